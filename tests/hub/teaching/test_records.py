"""What the hub keeps of workshops: erasure, damage, and files on the disk."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from km3hub.teaching.blobs import LARGEST, Blobs
from km3hub.teaching.desk import Desk
from km3hub.teaching.store import TeachingError


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "teaching.sqlite", tmp_path / "files")


def fill(desk: Desk) -> int:
    """Let pia leave a trace in every table; the number of the collection."""
    desk.messages.send("school", "tess", "pia", "hello")
    desk.messages.send("school", "tess", None, "hello all")
    desk.messages.dismiss("school", "pia", [1, 2])
    desk.material.publish("school", "tess", "a.txt", b"a", read_only=False)
    (file,) = desk.material.published("school")
    desk.material.arrived("school", "pia", file.id, "workshop/school/a.txt")
    number = desk.collecting.ask("school", "tess", "tutorials/x")
    desk.collecting.answer(number, "pia", desk.blobs.add(b"mine"))
    desk.collecting.answer(number, "paul", desk.blobs.add(b"his"))
    desk.progress.ask("school", wanted=True)
    desk.progress.answer("school", "pia", agreed=True)
    desk.progress.report("school", "pia", "tutorials/x.ipynb", 3)
    desk.help.call("school", "pia")
    return number


def contents(desk: Desk) -> set[bytes]:
    return {file.read_bytes() for file in desk.files.iterdir()}


def age(desk: Desk) -> None:
    """Let the stored files be older than those that are just arriving."""
    for file in desk.files.iterdir():
        os.utime(file, (time.time() - 3600,) * 2)


def test_everything_of_a_person_is_exported_and_erased(desk: Desk) -> None:
    number = fill(desk)
    found = desk.store.entries("pia")
    assert set(found) == {
        "message",
        "message_read",
        "file_arrived",
        "collected",
        "progress",
        "help",
    }
    desk.store.erase("pia")
    assert desk.store.entries("pia") == {}
    age(desk)
    desk.delete_unused_files()
    assert contents(desk) == {b"a", b"his"}
    assert [one.user for one in desk.collecting.answers(number)] == ["paul"]
    # The next person with the name has agreed to nothing.
    assert desk.progress.answer_of("school", "pia") == "asked"


def test_what_a_teacher_sent_stays_without_the_name(desk: Desk) -> None:
    fill(desk)
    assert set(desk.store.entries("tess")) == {"message", "file", "collection"}
    desk.store.erase("tess")
    assert {one.sender for one in desk.messages.sent("school")} == {"a former teacher"}


def test_a_workshop_that_has_ended_leaves_nothing(desk: Desk) -> None:
    fill(desk)
    desk.messages.send("other", "thor", None, "stays")
    age(desk)
    desk.forget_workshop("school")
    assert desk.store.entries("pia") == {}
    assert contents(desk) == set()
    assert len(desk.messages.sent("other")) == 1


def test_it_is_readable_for_its_owner_only(desk: Desk) -> None:
    fill(desk)
    assert desk.database.stat().st_mode & 0o777 == 0o600
    assert desk.files.stat().st_mode & 0o777 == 0o700


def test_it_survives_a_new_start(desk: Desk) -> None:
    fill(desk)
    desk.store.close()
    again = Desk(desk.database, desk.files)
    assert again.progress.places("school")["pia"].cell == 3


def test_a_damaged_database_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "teaching.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(TeachingError, match=r"teaching\.sqlite: cannot be used"):
        Desk(tmp_path / "teaching.sqlite", tmp_path).messages.sent("school")


def test_a_database_of_a_later_version_is_not_touched(desk: Desk) -> None:
    fill(desk)
    desk.store.close()
    with closing(sqlite3.connect(desk.database)) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(TeachingError, match="later version"):
        Desk(desk.database, desk.files).messages.sent("school")


def test_an_unfinished_file_leaves_nothing(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "files")
    incoming = blobs.begin()
    incoming.write(b"x" * 1000)
    incoming.discard()
    too_large = blobs.begin()
    with pytest.raises(ValueError, match="too large"):
        too_large.write(b"x" * (LARGEST + 1))
    too_large.discard()
    assert list((tmp_path / "files").iterdir()) == []


def test_files_that_are_just_arriving_are_not_deleted(desk: Desk) -> None:
    desk.blobs.add(b"new")
    desk.delete_unused_files()
    assert contents(desk) == {b"new"}
