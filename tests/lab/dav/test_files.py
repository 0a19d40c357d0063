"""Which files WebDAV shows and changes, whatever a home contains."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from km3lab.dav.errors import DavError
from km3lab.dav.tree import Tree, segments

# Without JupyterLab's environment: these modules need nothing of it.


@pytest.fixture
def tree(home: Path, tmp_path: Path) -> Tree:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (tmp_path / "scratch").mkdir()
    (home / "scratch").symlink_to(tmp_path / "scratch")
    (home / "way-out").symlink_to(outside)
    (home / "file-out").symlink_to(outside / "secret")
    (home / "dangling").symlink_to(outside / "new")
    (home / "loop").symlink_to("loop")
    (home / "data").mkdir()
    (home / "data" / "a.txt").write_text("a")
    (home / "short").symlink_to("data/a.txt")
    os.mkfifo(home / "pipe")
    return Tree(home, tmp_path / "scratch")


@pytest.mark.parametrize("path", ["a/../b", "..", "a/%2e%2e/b", "a%2fb", "a%00", "./a"])
def test_a_path_cannot_leave_its_folder(path: str) -> None:
    with pytest.raises(DavError, match="not valid"):
        segments(path)


def test_names_keep_their_bytes() -> None:
    assert segments("/a%20b/%C3%A9//%ff/") == ("a b", "é", "\udcff")


@pytest.mark.parametrize("name", ["way-out", "file-out", "dangling"])
def test_links_that_lead_out_of_the_home_are_refused(tree: Tree, name: str) -> None:
    with pytest.raises(DavError, match="outside your home") as refused:
        tree.entry((name,))
    assert refused.value.status == 403


def test_nothing_is_read_written_or_deleted_behind_such_a_link(tree: Tree, tmp_path: Path) -> None:
    inside = ("way-out", "secret")
    for attempt in (
        lambda: tree.entry(inside),
        lambda: tree.delete(inside),
        lambda: tree.make_folder(("way-out", "new")),
        lambda: tree.copy(("data",), ("way-out", "new"), deep=True),
        lambda: tree.move(("data",), ("way-out", "new")),
        lambda: tree.copy(inside, ("mine",), deep=True),
        lambda: tree.move(("way-out",), ("mine",)),
    ):
        with pytest.raises(DavError, match="outside your home"):
            attempt()
    assert [file.name for file in (tmp_path / "outside").iterdir()] == ["secret"]


def test_such_a_link_can_be_deleted_but_what_it_leads_to_stays(
    tree: Tree, home: Path, tmp_path: Path
) -> None:
    tree.delete(("way-out",))
    assert not os.path.lexists(home / "way-out")
    assert (tmp_path / "outside" / "secret").read_text() == "secret"
    tree.delete(("short",))
    assert (home / "data" / "a.txt").read_text() == "a"


def test_a_folder_lists_files_and_folders_only(tree: Tree) -> None:
    found = {entry.where[-1] for entry in tree.children(tree.entry(()))}
    assert found == {"data", "short", "scratch"}


def test_a_pipe_is_refused_at_once(tree: Tree) -> None:
    with pytest.raises(DavError, match="neither a file nor a folder"):
        tree.entry(("pipe",))
    tree.copy(("data",), ("copy",), deep=True)


def test_copies_of_a_folder_leave_pipes_out_and_keep_links_as_links(
    tree: Tree, home: Path, tmp_path: Path
) -> None:
    os.mkfifo(home / "data" / "pipe")
    (home / "data" / "out").symlink_to(tmp_path / "outside")
    tree.copy(("data",), ("copy",), deep=True)
    assert sorted(os.listdir(home / "copy")) == ["a.txt", "out"]
    assert (home / "copy" / "out").is_symlink()


def test_a_replaced_folder_is_kept_until_the_copy_is_complete(tree: Tree, home: Path) -> None:
    (home / "old").mkdir()
    (home / "old" / "work").write_text("work")
    (home / "data" / "unreadable").symlink_to("a.txt")
    with pytest.raises(DavError, match="itself"):
        tree.copy(("old",), ("old", "below"), deep=True)
    with pytest.raises(DavError, match="the same"):
        tree.move(("old",), ("old",))
    assert (home / "old" / "work").read_text() == "work"
    tree.copy(("data",), ("old",), deep=True)
    assert sorted(os.listdir(home / "old")) == ["a.txt", "unreadable"]
    assert not [name for name in os.listdir(home) if name.startswith(".km3")]


def test_a_file_does_not_replace_the_folder_that_it_is_in(tree: Tree, home: Path) -> None:
    for change in (
        lambda: tree.move(("data", "a.txt"), ("data",)),
        lambda: tree.copy(("data", "a.txt"), ("data",), deep=True),
    ):
        with pytest.raises(DavError):
            change()
    assert (home / "data" / "a.txt").read_text() == "a"


def test_the_home_and_scratch_stay(tree: Tree, home: Path, tmp_path: Path) -> None:
    for where in ((), ("scratch",)):
        with pytest.raises(DavError, match="cannot be"):
            tree.delete(where)
        with pytest.raises(DavError):
            tree.move(where, ("elsewhere",))
        with pytest.raises(DavError):
            tree.copy(("data",), where, deep=True)
    assert (home / "scratch").is_symlink()
    assert not (home / "elsewhere").exists()
    tree.copy(("data", "a.txt"), ("scratch", "b.txt"), deep=True)
    assert (tmp_path / "scratch" / "b.txt").read_text() == "a"
    tree.move(("scratch", "b.txt"), ("data", "b.txt"))
    assert (home / "data" / "b.txt").read_text() == "a"
    assert os.listdir(tmp_path / "scratch") == []
