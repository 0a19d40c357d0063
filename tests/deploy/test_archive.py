"""The archive of images for hosts."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from tests.deploy.sources import module

archive = module("archive.py")


def test_second_archive_waits_for_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = threading.Event()
    order: list[str] = []

    def first() -> None:
        with archive.alone(tmp_path / "archive"):
            begun.set()
            time.sleep(0.3)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    begun.wait(10)
    with archive.alone(tmp_path / "archive"):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]
    assert "waiting" in capsys.readouterr().out
