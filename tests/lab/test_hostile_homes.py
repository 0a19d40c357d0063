"""What users put in the place of the platform's files: nothing of it is lost or written through."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from km3lab.manifest import folder_of
from km3lab.tutorials import TutorialError, reset, states, sync
from tests.commands import run

NAME = "01-events.ipynb"


@pytest.fixture
def mine(pristine: Path, home: Path) -> Path:
    """The user's copy of a tutorial, after a first start."""
    sync(pristine, home)
    return home / "tutorials" / NAME


@pytest.fixture
def better(pristine: Path) -> Callable[[], None]:
    """Let the image have a new version."""

    def change() -> None:
        (pristine / NAME).write_text("better")

    return change


def kept(pristine: Path, home: Path) -> tuple[str, str]:
    (outcome,) = sync(pristine, home).of("kept")
    return outcome.new_name, outcome.reason


def test_a_folder_in_place_of_a_file(
    pristine: Path, home: Path, mine: Path, better: Callable[[], None]
) -> None:
    mine.unlink()
    mine.mkdir()
    (mine / "data.csv").write_text("1")
    better()
    assert kept(pristine, home) == ("01-events.new.ipynb", "there is a folder of this name")
    assert (mine / "data.csv").read_text() == "1"
    assert reset(NAME, pristine, home) == (NAME, "01-events.yours-1.ipynb")
    assert (mine.with_name("01-events.yours-1.ipynb") / "data.csv").read_text() == "1"
    assert mine.read_text() == "better"


def test_a_link_in_place_of_a_file_is_not_written_through(
    pristine: Path, home: Path, mine: Path, tmp_path: Path, better: Callable[[], None]
) -> None:
    outside = tmp_path / "outside.ipynb"
    outside.write_bytes(mine.read_bytes())
    mine.unlink()
    mine.symlink_to(outside)
    before = outside.read_bytes()
    better()
    assert kept(pristine, home) == ("01-events.new.ipynb", "there is a link of this name")
    reset(NAME, pristine, home)
    assert outside.read_bytes() == before
    assert mine.with_name("01-events.yours-1.ipynb").is_symlink()
    assert mine.read_text() == "better"


def test_a_link_in_place_of_the_new_version_is_not_written_through(
    pristine: Path, home: Path, mine: Path, tmp_path: Path, better: Callable[[], None]
) -> None:
    outside = tmp_path / "outside"
    mine.write_text("my work")
    mine.with_name("01-events.new.ipynb").symlink_to(outside)
    better()
    assert kept(pristine, home)[0] == "01-events.new-2.ipynb"
    assert not outside.exists()


def test_a_link_in_place_of_a_folder_is_not_followed(
    pristine: Path, home: Path, mine: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    figures = mine.parent / "figures"
    (figures / "detector.svg").unlink()
    figures.rmdir()
    figures.symlink_to(outside)
    (pristine / "figures" / "new.svg").write_text("<svg/>")
    (pristine / "figures" / "detector.svg").write_text("<svg></svg>")
    assert {o.name for o in sync(pristine, home).of("kept")} == {
        "figures/detector.svg",
        "figures/new.svg",
    }
    with pytest.raises(TutorialError, match="its folder is a file or a link; rename that first"):
        reset("figures/new.svg", pristine, home)
    assert not list(outside.iterdir())


@pytest.mark.parametrize("what", ["file", "link"])
def test_the_folder_itself_replaced(pristine: Path, home: Path, tmp_path: Path, what: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    folder = home / "tutorials"
    if what == "file":
        folder.write_text("mine")
    else:
        folder.symlink_to(outside)
    report = sync(pristine, home)
    assert "~/tutorials is a file or a link. Rename it" in report.problem
    assert not report.no_space
    assert not list(outside.iterdir())
    with pytest.raises(TutorialError, match="rename it first"):
        states(pristine, home)
    if what == "file":
        assert folder.read_text() == "mine"


def test_a_pipe_in_place_of_a_file_does_not_hang(
    pristine: Path, home: Path, mine: Path, better: Callable[[], None]
) -> None:
    mine.unlink()
    os.mkfifo(mine)
    better()
    assert kept(pristine, home)[1] == "there is something else of this name"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"files": 3, "pages": {}}',
        '{"files": {"01-events.ipynb": {"sha256": 7}}, "pages": {}}',
        '{"files": {"01-events.ipynb": {"unknown": "x"}}, "pages": {}}',
        '{"files": {"../../outside": {"sha256": "x"}}, "pages": {}}',
        "[" * 100_000,
        "\x00\xff",
    ],
)
def test_a_broken_manifest_loses_nothing(
    pristine: Path, home: Path, mine: Path, better: Callable[[], None], text: str
) -> None:
    mine.write_text("my work")
    (folder_of(home) / "tutorials.json").write_text(text, encoding="latin-1")
    better()
    assert not sync(pristine, home).problem
    assert mine.read_text() == "my work"
    assert mine.with_name("01-events.new.ipynb").read_text() == "better"
    assert {o.state for o in sync(pristine, home).outcomes} == {"current", "kept"}


def test_a_folder_in_place_of_the_manifest_prevents_nothing(
    pristine: Path, home: Path, mine: Path
) -> None:
    manifest = folder_of(home) / "tutorials.json"
    manifest.unlink()
    manifest.mkdir()
    mine.write_text("my work")
    sync(pristine, home)
    assert mine.read_text() == "my work"


#: The rights of a file mean nothing to root: the same as another user.
AS_NOBODY = """
import os, sys
from pathlib import Path
from km3lab.tutorials import sync
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
report = sync(Path(sys.argv[1]), Path(sys.argv[2]))
for o in report.outcomes: print(o.name, o.state, o.reason, sep="|")
print(report.problem)
"""


def _as_user(pristine: Path, home: Path) -> str:
    if os.getuid() == 0:
        for path in (home, *home.rglob("*")):
            os.chown(path, 65534, 65534)
        for parent in (pristine, *pristine.parents):
            if not parent.stat().st_mode & 0o001:
                parent.chmod(0o755)
    command = [sys.executable, "-c", AS_NOBODY, str(pristine), str(home)]
    done = run(*command, cwd="/")
    return done.stdout


def test_a_read_only_file_that_is_untouched_follows_and_stays_read_only(
    pristine: Path, home: Path, mine: Path, better: Callable[[], None]
) -> None:
    mine.chmod(0o444)
    better()
    assert f"{NAME}|updated|" in _as_user(pristine, home)
    assert mine.read_text() == "better"
    assert mine.stat().st_mode & 0o777 == 0o444


def test_a_file_that_cannot_be_read_is_kept(
    pristine: Path, home: Path, mine: Path, better: Callable[[], None]
) -> None:
    mine.chmod(0)
    better()
    assert f"{NAME}|kept|it cannot be read" in _as_user(pristine, home)
    assert mine.stat().st_mode & 0o777 == 0
    assert mine.with_name("01-events.new.ipynb").read_text() == "better"


def test_a_read_only_folder_is_reported_and_the_rest_continues(
    pristine: Path, home: Path, mine: Path
) -> None:
    (mine.parent / "figures").chmod(0o555)
    (pristine / "figures" / "detector.svg").write_text("<svg></svg>")
    (pristine / NAME).write_text("better")
    output = _as_user(pristine, home)
    assert "figures/detector.svg|failed|it could not be written: Permission denied" in output
    assert f"{NAME}|updated|" in output
