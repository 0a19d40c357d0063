"""`km3hub homes`, against a real service."""

from __future__ import annotations

import asyncio
import functools
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from km3hub.cli import homes as command
from km3hub.cli import main
from km3hub.spawning.homes import HomesService
from tests.homes.conftest import volume
from tests.homes.test_server import serving


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Result]:
    """Lists the homes, removes ada's, and lists them again."""
    monkeypatch.setenv("KM3_HOMES", "none")
    (volume(tmp_path, "ada").files / "old.txt").write_text("old")

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, ["homes", *words])

    async def use() -> list[Result]:
        async with serving(tmp_path, tmp_path, "none") as path:
            monkeypatch.setattr(command, "HomesService", functools.partial(HomesService, path))
            return [
                await asyncio.to_thread(run, *words)
                for words in (("list", "--json"), ("remove", "ada", "--yes"), ("remove", "bob"))
            ]

    return asyncio.run(use())


def test_homes_are_listed(results: list[Result]) -> None:
    assert results[0].exit_code == 0, results[0].output
    assert [(use["user"], use["kind"]) for use in json.loads(results[0].output)] == [
        ("ada", "home")
    ]


def test_a_home_is_removed_and_a_second_one_only_after_a_question(
    results: list[Result], tmp_path: Path
) -> None:
    assert results[1].output == "deleted the files in the home of ada\n"
    assert list((tmp_path / "km3test-home-ada" / "_data").iterdir()) == []
    assert results[2].exit_code == 1
    assert "Delete all files in the home of bob permanently?" in results[2].output
