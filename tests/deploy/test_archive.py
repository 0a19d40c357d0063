"""The archive of images for hosts."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.deploy.sources import module
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
