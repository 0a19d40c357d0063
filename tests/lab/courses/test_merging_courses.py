"""Merges of a course's versions: no byte of the user's is lost, whatever interrupts them."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from km3lab.courses.merging import BusyError, Merged, locked, merge
from km3lab.folder import Folder

TARGET = ("course",)
SOURCE = "https://example.org/course.git"


class Killed(BaseException):
    """Stands for the end of the process at this point."""


def bring(home: Path, files: dict[str, str], *, kill: int = -1, restore: bool = False) -> Merged:
    """Merge a version; with `kill` the process ends when content is read for that time."""
    calls = 0

    def reader(text: str) -> Callable[[], bytes]:
        def read() -> bytes:
            nonlocal calls
            calls += 1
            if calls == kill:
                raise Killed
            return text.encode()

        return read

    content = [(tuple(path.split("/")), reader(text)) for path, text in files.items()]
    with locked(home):
        return merge(home, SOURCE, TARGET, content, restore=restore)


def test_untouched_files_follow_and_changed_ones_stay(home: Path) -> None:
    bring(home, {"a.md": "one", "sub/b.md": "one"})
    course = home / "course"
    (course / "a.md").write_text("my work")
    done = bring(home, {"a.md": "two", "sub/b.md": "two"})
    assert (done.beside, done.written) == (["a.new.md"], ["sub/b.md"])
    assert (course / "a.md").read_text() == "my work"
    assert (course / "a.new.md").read_text() == "two"
    assert (course / "sub" / "b.md").read_text() == "two"
    (course / "a.new.md").unlink()
    assert bring(home, {"a.md": "two", "sub/b.md": "two"}) == Merged()
    assert not (course / "a.new.md").exists()


def test_deleted_files_come_back_on_request_only(home: Path) -> None:
    bring(home, {"sub/a.md": "one"})
    (home / "course" / "sub" / "a.md").unlink()
    (home / "course" / "sub").rmdir()
    bring(home, {"sub/a.md": "two"})
    assert not (home / "course" / "sub").exists()
    bring(home, {"sub/a.md": "two"}, restore=True)
    assert (home / "course" / "sub" / "a.md").read_text() == "two"


def test_nothing_is_written_through_links(home: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.md").write_text("theirs")
    (home / "course").mkdir()
    (home / "course" / "sub").symlink_to(outside)
    (home / "course" / "a.md").symlink_to(outside / "a.md")
    os.mkfifo(home / "course" / "pipe.md")
    done = bring(home, {"a.md": "one", "sub/a.md": "one", "pipe.md": "one"})
    assert (done.failed, done.beside) == (["sub/a.md"], ["a.new.md", "pipe.new.md"])
    assert (outside / "a.md").read_text() == "theirs"
    assert [path.name for path in outside.iterdir()] == ["a.md"]


def test_target_that_is_a_link_is_refused(home: Path, tmp_path: Path) -> None:
    (home / "course").symlink_to(tmp_path)
    with pytest.raises(NotADirectoryError):
        bring(home, {"a.md": "one"})
    assert not (tmp_path / "a.md").exists()


def test_full_home_keeps_the_old_version_and_a_repetition_continues(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(home, {"a.md": "one", "b.md": "one"})

    def full(*_: object) -> None:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "replace", full)
        with pytest.raises(OSError, match="quota"):
            bring(home, {"a.md": "two", "b.md": "two"})
    assert (home / "course" / "a.md").read_text() == "one"
    bring(home, {"a.md": "two", "b.md": "two"})
    assert (home / "course" / "b.md").read_text() == "two"


def test_two_merges_at_the_same_time_are_refused(home: Path) -> None:
    with locked(home), pytest.raises(BusyError), locked(home):
        pass
    with locked(home):
        pass


NAMES = st.sampled_from(["a.md", "sub/b.md", "sub/c"])
VERSIONS = st.dictionaries(NAMES, st.sampled_from(["one", "two", "three"]), min_size=1)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("merge"), VERSIONS, st.integers(-1, 7)),
        st.tuples(st.just("edit"), NAMES, st.just(0)),
        st.tuples(st.just("delete"), NAMES, st.just(0)),
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, last=VERSIONS)
def test_no_work_is_lost_in_any_order_of_merges_and_kills(
    steps: list[tuple[str, object, int]], last: dict[str, str]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        course = home / "course"
        work: dict[str, str] = {}
        deleted: set[str] = set()
        complete: set[str] = set()
        for number, (what, subject, kill) in enumerate(steps):
            if what == "merge":
                assert isinstance(subject, dict)
                try:
                    bring(home, subject, kill=kill)
                    complete |= set(subject)
                except Killed:
                    pass
            else:
                path = course / str(subject)
                if what == "edit":
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(f"my work {number}")
                    work[str(subject)] = f"my work {number}"
                    deleted.discard(str(subject))
                elif path.exists():
                    path.unlink()
                    work.pop(str(subject), None)
                    if subject in complete:
                        deleted.add(str(subject))
            for mine, text in work.items():
                assert (course / mine).read_text() == text
        bring(home, last)
        for mine, text in work.items():
            assert (course / mine).read_text() == text
        for path, text in last.items():
            if path in deleted:
                assert not (course / path).exists()
            elif path not in work and (course / path).exists():
                assert (course / path).read_text() == text
        assert bring(home, last) == Merged()
