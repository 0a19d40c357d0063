"""The archive of images for hosts."""

from __future__ import annotations

import importlib
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.deploy.sources import DEPLOY, module
from tests.waiting import wait_until

archive = module("archive.py")


def test_second_archive_waits_for_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()
    order: list[str] = []
    printed: list[str] = []
    monkeypatch.setattr(archive.click, "echo", printed.append)

    def first() -> None:
        with archive.alone(tmp_path / "archive"):
            begun.set()
            wait_until(
                lambda: any("waiting" in line for line in printed),
                seconds=60,
                what="the second archive waits",
            )
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    assert begun.wait(60)
    with archive.alone(tmp_path / "archive"):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]


def test_images_are_saved_by_the_tag_that_they_are_built_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def inspect(image: str) -> None:
        asked.append(image)
        raise archive.ArchiveError("not saved by this test")

    monkeypatch.setattr(archive, "inspect", inspect)
    done = CliRunner().invoke(archive.main, ["hub", "--folder", str(tmp_path)])
    assert "not saved by this test" in done.output
    monkeypatch.syspath_prepend(str(DEPLOY.parent / "images"))
    recipes = importlib.import_module("building.recipes")
    assert asked == [f"km3net/hub:{recipes.version()}"]
