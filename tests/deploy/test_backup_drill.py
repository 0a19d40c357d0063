"""A drill says whether a backup could be restored, and leaves everything as it was."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.machines import Machine


@pytest.fixture
def saved(tmp_path: Path, project: str, home: Path) -> Machine:
    """A machine with a backup of a home and of a database of the hub."""
    with closing(sqlite3.connect(home / "hub.sqlite")) as database:
        database.execute("CREATE TABLE users (name TEXT UNIQUE)")
        database.executemany("INSERT INTO users VALUES (?)", [(f"u{n}",) for n in range(2000)])
        database.commit()
    (home / "mine.txt").write_text("precious")
    machine = Machine(tmp_path, project, "hub")
    # The databases in homes are users' own; this one is taken for one of the hub.
    machine.backup.databases = lambda volumes: [(volumes[0]["Name"], home / "hub.sqlite")]
    machine.save("of the hub")
    return machine


def drill(machine: Machine, folder: Path) -> None:
    """A drill that leaves nothing."""
    room = folder / "room"
    room.mkdir()
    try:
        machine.backup.drill("latest", str(room))
    finally:
        assert list(room.iterdir()) == []


def test_drill_says_that_a_backup_is_whole(
    saved: Machine, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "mine.txt").write_text("newer")
    capsys.readouterr()
    drill(saved, tmp_path)
    told = capsys.readouterr().out
    assert re.match(r"backup [0-9a-f]{8}: \d+ files with \d", told)
    assert "1 volumes and 1 databases are whole" in told
    # What is there now stays as it is.
    assert (home / "mine.txt").read_text() == "newer"


def test_drill_finds_a_database_that_was_damaged_before_it_was_saved(
    saved: Machine, home: Path, tmp_path: Path
) -> None:
    with (home / "hub.sqlite").open("r+b") as stream:
        stream.seek(-6000, os.SEEK_END)
        stream.write(b"\0" * 6000)
    saved.save("of the hub")
    with pytest.raises(saved.program.BackupError, match=r"home-ada/hub\.sqlite is damaged"):
        drill(saved, tmp_path)


def test_drill_finds_damage_of_the_repository(saved: Machine, tmp_path: Path) -> None:
    largest = max(
        (path for path in (tmp_path / "repository" / "data").rglob("*") if path.is_file()),
        key=lambda path: path.stat().st_size,
    )
    largest.chmod(0o600)
    with largest.open("r+b") as stream:
        stream.write(b"\0" * 1000)
    with pytest.raises(saved.program.BackupError, match="restic restore"):
        drill(saved, tmp_path)


def test_drill_wants_what_a_restore_needs(
    saved: Machine, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = saved.backup.restic

    def without_homes(*arguments: str) -> Any:
        excluded = [f"--exclude={home}"] if arguments[0] == "backup" else []
        return usual(*arguments, *excluded)

    monkeypatch.setattr(saved.backup, "restic", without_homes)
    saved.save("of the hub")
    with pytest.raises(saved.program.BackupError, match=f"the backup has no {home}"):
        drill(saved, tmp_path)


def test_drill_without_room_says_how_much_it_needs(
    saved: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: full)
    with pytest.raises(saved.program.BackupError, match="Name another folder: -e backup_drill_fol"):
        drill(saved, tmp_path)
