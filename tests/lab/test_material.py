"""Published and collected files: no work is overwritten, and no link is followed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from km3lab.material import LARGEST, NotCollectedError, PublishedFile, collect, deliver


def published(
    content: str, name: str = "sheet.ipynb", *, workshop: str = "school", read_only: bool = False
) -> PublishedFile:
    return PublishedFile(workshop, name, content.encode(), read_only)


def test_a_file_arrives_and_follows_its_new_versions(home: Path) -> None:
    assert deliver(home, published("one")) == "workshop/school/sheet.ipynb"
    file = home / "workshop" / "school" / "sheet.ipynb"
    assert file.read_text() == "one"
    assert os.access(file, os.W_OK)
    assert deliver(home, published("two")) == "workshop/school/sheet.ipynb"
    assert file.read_text() == "two"


def test_a_changed_file_is_kept_and_the_new_version_goes_beside_it(home: Path) -> None:
    deliver(home, published("one"))
    file = home / "workshop" / "school" / "sheet.ipynb"
    file.write_text("my work")
    assert deliver(home, published("two")) == "workshop/school/sheet.new.ipynb"
    assert file.read_text() == "my work"
    beside = file.with_name("sheet.new.ipynb")
    assert beside.read_text() == "two"
    beside.write_text("my other work")
    assert deliver(home, published("three")) == "workshop/school/sheet.new-2.ipynb"
    assert beside.read_text() == "my other work"
    # Once more the same: nothing else appears.
    assert deliver(home, published("three")) == "workshop/school/sheet.new-2.ipynb"
    assert len(list(file.parent.iterdir())) == 3


def test_a_users_own_file_of_that_name_is_kept(home: Path) -> None:
    folder = home / "workshop" / "school"
    folder.mkdir(parents=True)
    (folder / "sheet.ipynb").write_text("mine")
    assert deliver(home, published("one")) == "workshop/school/sheet.new.ipynb"
    assert (folder / "sheet.ipynb").read_text() == "mine"


def test_a_deleted_file_does_not_return_by_itself(home: Path) -> None:
    deliver(home, published("one"))
    file = home / "workshop" / "school" / "sheet.ipynb"
    file.unlink()
    deliver(home, published("one"))
    assert not file.exists()
    deliver(home, published("two"))
    assert file.read_text() == "two"


def test_a_solution_can_be_read_only(home: Path) -> None:
    deliver(home, published("one", read_only=True))
    file = home / "workshop" / "school" / "sheet.ipynb"
    assert file.stat().st_mode & 0o777 == 0o444
    deliver(home, published("two", read_only=True))
    assert file.read_text() == "two"
    assert file.stat().st_mode & 0o777 == 0o444


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", ".bashrc", "a\0b"])
def test_names_that_lead_elsewhere_are_refused(home: Path, name: str) -> None:
    with pytest.raises(OSError, match="name"):
        deliver(home, published("x", name))
    with pytest.raises(OSError, match="name"):
        deliver(home, published("x", workshop=name))
    assert list(home.rglob("*")) == []


@pytest.mark.parametrize("where", ["workshop", "workshop/school"])
def test_a_link_instead_of_the_folder_is_not_followed(
    home: Path, tmp_path: Path, where: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (home / where).parent.mkdir(parents=True, exist_ok=True)
    (home / where).symlink_to(outside)
    with pytest.raises(NotADirectoryError):
        deliver(home, published("x"))
    assert list(outside.iterdir()) == []


def test_a_link_instead_of_the_file_is_not_followed(home: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("old")
    folder = home / "workshop" / "school"
    folder.mkdir(parents=True)
    (folder / "sheet.ipynb").symlink_to(target)
    assert deliver(home, published("x")) == "workshop/school/sheet.new.ipynb"
    assert target.read_text() == "old"


@pytest.mark.parametrize("text", ["", "[", "[]", "5", '{"school/sheet.ipynb": 5}', "[" * 100_000])
def test_a_damaged_record_loses_nothing(home: Path, text: str) -> None:
    deliver(home, published("one"))
    record = home / ".local" / "share" / "km3net" / "workshops.json"
    record.write_text(text)
    file = home / "workshop" / "school" / "sheet.ipynb"
    file.write_text("my work")
    deliver(home, published("two"))
    assert file.read_text() == "my work"


def test_the_saved_file_is_collected(home: Path) -> None:
    (home / "tutorials" / "deep").mkdir(parents=True)
    (home / "tutorials" / "deep" / "x.ipynb").write_bytes(b"\x00\xff" * 1000)
    content = collect(home, "tutorials/deep/x.ipynb")
    assert hashlib.sha256(content).hexdigest() == hashlib.sha256(b"\x00\xff" * 1000).hexdigest()


@pytest.mark.parametrize(
    "path",
    [
        ".ssh/id_rsa",
        "tutorials/.secret",
        "tutorials/../.ssh/id_rsa",
        "/etc/passwd",
        "tutorials",
        "private/x",
        "",
        "tutorials/link",
        "tutorials/linked/id_rsa",
        "tutorials/pipe",
        "tutorials/folder",
    ],
)
def test_other_files_are_not_collected(home: Path, path: str) -> None:
    for folder in (".ssh", "private", "tutorials/folder"):
        (home / folder).mkdir(parents=True)
    for file in (".ssh/id_rsa", "private/x", "tutorials/.secret"):
        (home / file).write_text("secret")
    (home / "tutorials" / "link").symlink_to(home / ".ssh" / "id_rsa")
    (home / "tutorials" / "linked").symlink_to(home / ".ssh")
    os.mkfifo(home / "tutorials" / "pipe")
    with pytest.raises(NotCollectedError) as refused:
        collect(home, path)
    assert refused.value.trouble == "other"


def test_missing_and_large_files_are_named_as_such(home: Path) -> None:
    (home / "tutorials").mkdir()
    with pytest.raises(NotCollectedError, match="missing"):
        collect(home, "tutorials/none.ipynb")
    with pytest.raises(NotCollectedError, match="missing"):
        collect(home, "workshop/school/none.ipynb")
    with (home / "tutorials" / "large.bin").open("wb") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(NotCollectedError, match="large"):
        collect(home, "tutorials/large.bin")
