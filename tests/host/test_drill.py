"""A drill reports whether a backup could be restored, and leaves everything as it was."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from km3host.backup import drill as drills
from km3host.backup.repository import BackupError
from tests.host.machines import Machine


@pytest.fixture
def saved(tmp_path: Path, project: str, home: Path, hub_state: Path) -> Machine:
    """A machine with a backup of a home and of a database of the hub."""
    with closing(sqlite3.connect(hub_state / "hub.sqlite")) as database:
        database.execute("CREATE TABLE users (name TEXT UNIQUE)")
        database.executemany("INSERT INTO users VALUES (?)", [(f"u{n}",) for n in range(2000)])
        database.commit()
    (home / "mine.txt").write_text("precious")
    machine = Machine(tmp_path, project, "hub")
    machine.save("of the hub")
    return machine


def drill(machine: Machine, folder: Path) -> None:
    """A drill that leaves nothing."""
    room = folder / "room"
    room.mkdir()
    try:
        drills.drill(machine.repository, "latest", room)
    finally:
        assert list(room.iterdir()) == []


def test_drill_reports_that_a_backup_is_intact(
    saved: Machine, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "mine.txt").write_text("newer")
    capsys.readouterr()
    drill(saved, tmp_path)
    output = capsys.readouterr().out
    assert re.match(r"backup [0-9a-f]{8}: restored \d+ files \(\d", output)
    assert "2 volumes and 1 databases are intact" in output
    # What is there now stays as it is.
    assert (home / "mine.txt").read_text() == "newer"


def test_drill_finds_a_database_that_was_damaged_before_it_was_saved(
    saved: Machine, hub_state: Path, tmp_path: Path
) -> None:
    with (hub_state / "hub.sqlite").open("r+b") as stream:
        stream.seek(-6000, os.SEEK_END)
        stream.write(b"\0" * 6000)
    saved.save("of the hub")
    with pytest.raises(BackupError, match=r"state/hub\.sqlite is damaged"):
        drill(saved, tmp_path)


def test_drill_finds_damage_of_the_repository(saved: Machine, tmp_path: Path) -> None:
    largest = max(
        (path for path in (tmp_path / "repository" / "data").rglob("*") if path.is_file()),
        key=lambda path: path.stat().st_size,
    )
    largest.chmod(0o600)
    with largest.open("r+b") as stream:
        stream.write(b"\0" * 1000)
    with pytest.raises(BackupError, match="restic restore"):
        drill(saved, tmp_path)


def test_drill_requires_what_a_restore_needs(
    saved: Machine, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = saved.repository.restic

    def without_homes(*arguments: str) -> str:
        excluded = [f"--exclude={home}"] if arguments[0] == "backup" else []
        return usual(*arguments, *excluded)

    monkeypatch.setattr(saved.repository, "restic", without_homes)
    saved.save("of the hub")
    with pytest.raises(BackupError, match=f"the backup has no {home}"):
        drill(saved, tmp_path)


def test_drill_without_space_says_how_much_it_needs(
    saved: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: full)
    with pytest.raises(BackupError, match="Name another folder: -e backup_drill_folder"):
        drill(saved, tmp_path)
