"""Tutorials follow the image; what is the user's is never touched."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from multiprocessing import Barrier, Process
from multiprocessing.synchronize import Barrier as BarrierType
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from km3lab.tutorials import Report, TutorialError, reset, states, sync

NAME = "01-events.ipynb"


def by_name(report: Report) -> dict[str, str]:
    return {outcome.name: outcome.state for outcome in report.outcomes}


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, links not followed."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def test_the_first_start_copies_everything(pristine: Path, home: Path) -> None:
    report = sync(pristine, home)
    assert contents(home / "tutorials") == contents(pristine)
    assert set(by_name(report).values()) == {"new"}


def test_a_copy_can_be_written_though_the_image_is_read_only(pristine: Path, home: Path) -> None:
    (pristine / NAME).chmod(0o444)
    sync(pristine, home)
    assert (home / "tutorials" / NAME).stat().st_mode & 0o200


def test_hidden_files_and_bytecode_stay_in_the_image(pristine: Path, home: Path) -> None:
    (pristine / ".ipynb_checkpoints").mkdir()
    (pristine / ".ipynb_checkpoints" / NAME).write_text("x")
    (pristine / "__pycache__").mkdir()
    (pristine / "__pycache__" / "a.pyc").write_text("x")
    sync(pristine, home)
    assert sorted(contents(home / "tutorials")) == [
        NAME,
        "02-sky.ipynb",
        "README.md",
        "figures/detector.svg",
    ]


def test_a_second_start_changes_nothing(pristine: Path, home: Path) -> None:
    sync(pristine, home)
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()}
    report = sync(pristine, home)
    assert set(by_name(report).values()) == {"current"}
    assert {p: p.stat().st_mtime_ns for p in home.rglob("*") if p.is_file()} == before


def test_an_untouched_file_follows_the_image(pristine: Path, home: Path) -> None:
    sync(pristine, home)
    (pristine / NAME).write_text("better")
    assert by_name(sync(pristine, home))[NAME] == "updated"
    assert (home / "tutorials" / NAME).read_text() == "better"


def test_clocks_do_not_matter(pristine: Path, home: Path) -> None:
    sync(pristine, home)
    mine = home / "tutorials" / "02-sky.ipynb"
    mine.write_text("my work")
    for path in (*pristine.rglob("*"), *(home / "tutorials").rglob("*")):
        os.utime(path, (4_000_000_000, 4_000_000_000))
    os.utime(mine, (1, 1))
    (pristine / NAME).write_text("better")
    (pristine / "02-sky.ipynb").write_text("better")
    os.utime(pristine / NAME, (1, 1))
    assert by_name(sync(pristine, home))[NAME] == "updated"
    assert mine.read_text() == "my work"


def test_the_new_version_is_placed_beside_a_changed_file(pristine: Path, home: Path) -> None:
    sync(pristine, home)
    (home / "tutorials" / NAME).write_text("my work")
    assert by_name(sync(pristine, home))[NAME] == "yours"
    (pristine / NAME).write_text("better")
    (outcome,) = sync(pristine, home).of("kept")
    assert (outcome.name, outcome.new_name) == (NAME, "01-events.new.ipynb")
    assert outcome.first_seen
    assert (home / "tutorials" / NAME).read_text() == "my work"
    assert (home / "tutorials" / "01-events.new.ipynb").read_text() == "better"
    (again,) = sync(pristine, home).of("kept")
    assert not again.first_seen


def test_a_still_newer_version_replaces_the_untouched_new_one(pristine: Path, home: Path) -> None:
    sync(pristine, home)
    (home / "tutorials" / NAME).write_text("my work")
    for text in ("better", "best"):
        (pristine / NAME).write_text(text)
        sync(pristine, home)
    names = sorted(path.name for path in (home / "tutorials").glob("01*"))
    assert names == ["01-events.ipynb", "01-events.new.ipynb"]
    assert (home / "tutorials" / "01-events.new.ipynb").read_text() == "best"


def test_a_new_version_that_the_user_works_in_is_kept_too(pristine: Path, home: Path) -> None:
    sync(pristine, home)
    (home / "tutorials" / NAME).write_text("my work")
    (pristine / NAME).write_text("better")
    sync(pristine, home)
    (home / "tutorials" / "01-events.new.ipynb").write_text("more of my work")
    (pristine / NAME).write_text("best")
    (outcome,) = sync(pristine, home).of("kept")
    assert outcome.new_name == "01-events.new-2.ipynb"
    assert contents(home / "tutorials") | {} == {
        **contents(pristine),
        NAME: b"my work",
        "01-events.new.ipynb": b"more of my work",
        "01-events.new-2.ipynb": b"best",
    }


def test_a_new_version_that_the_user_deleted_is_not_pressed_on_them(
    pristine: Path, home: Path
) -> None:
    sync(pristine, home)
    (home / "tutorials" / NAME).write_text("my work")
    (pristine / NAME).write_text("better")
    sync(pristine, home)
    (home / "tutorials" / "01-events.new.ipynb").unlink()
    assert by_name(sync(pristine, home))[NAME] == "yours"
    assert not (home / "tutorials" / "01-events.new.ipynb").exists()


def test_a_file_that_the_user_brought_up_to_date_is_adopted(pristine: Path, home: Path) -> None:
    sync(pristine, home)
    (home / "tutorials" / NAME).write_text("my work")
    (pristine / NAME).write_text("better")
    sync(pristine, home)
    (home / "tutorials" / "01-events.new.ipynb").rename(home / "tutorials" / NAME)
    assert by_name(sync(pristine, home))[NAME] == "current"
    (pristine / NAME).write_text("best")
    assert by_name(sync(pristine, home))[NAME] == "updated"


def test_a_deleted_file_stays_deleted_also_when_it_gets_better(pristine: Path, home: Path) -> None:
    sync(pristine, home)
    (home / "tutorials" / NAME).unlink()
    shutil.rmtree(home / "tutorials" / "figures")
    (pristine / NAME).write_text("better")
    report = sync(pristine, home)
    assert by_name(report)[NAME] == by_name(report)["figures/detector.svg"] == "deleted"
    assert not (home / "tutorials" / NAME).exists()
    assert not (home / "tutorials" / "figures").exists()


def test_a_file_that_left_the_image_stays(pristine: Path, home: Path) -> None:
    sync(pristine, home)
    (pristine / NAME).unlink()
    (outcome,) = sync(pristine, home).of("retired")
    assert outcome.first_seen
    assert (home / "tutorials" / NAME).exists()
    (again,) = sync(pristine, home).of("retired")
    assert not again.first_seen
    (home / "tutorials" / NAME).unlink()
    assert not sync(pristine, home).of("retired")


def test_reset_brings_one_back_and_keeps_the_users(pristine: Path, home: Path) -> None:
    sync(pristine, home)
    for number in (1, 2):
        (home / "tutorials" / NAME).write_text(f"work {number}")
        assert reset(NAME, pristine, home) == (NAME, f"01-events.yours-{number}.ipynb")
    assert (home / "tutorials" / NAME).read_bytes() == (pristine / NAME).read_bytes()
    assert (home / "tutorials" / "01-events.yours-1.ipynb").read_text() == "work 1"
    assert (home / "tutorials" / "01-events.yours-2.ipynb").read_text() == "work 2"
    assert by_name(sync(pristine, home))[NAME] == "current"


def test_reset_brings_a_deleted_file_back(pristine: Path, home: Path) -> None:
    sync(pristine, home)
    shutil.rmtree(home / "tutorials" / "figures")
    assert reset("detector.svg", pristine, home) == ("figures/detector.svg", "")
    assert by_name(sync(pristine, home))["figures/detector.svg"] == "current"


@pytest.mark.parametrize(
    "request_", [NAME, f"tutorials/{NAME}", f"/home/km3/tutorials/{NAME}", f"./{NAME}"]
)
def test_reset_takes_a_file_as_people_write_it(pristine: Path, home: Path, request_: str) -> None:
    sync(pristine, home)
    (home / "tutorials" / NAME).unlink()
    assert reset(request_, pristine, home)[0] == NAME


def test_reset_of_an_unknown_file_says_which_there_are(pristine: Path, home: Path) -> None:
    with pytest.raises(TutorialError, match=r"01-event\.ipynb: .* did you mean 01-events\.ipynb"):
        reset("01-event.ipynb", pristine, home)
    with pytest.raises(TutorialError, match=r"there are: 01-events\.ipynb, 02-sky\.ipynb"):
        reset("???", pristine, home)


def test_states_describe_each_file(pristine: Path, home: Path) -> None:
    sync(pristine, home)
    (home / "tutorials" / NAME).write_text("my work")
    (home / "tutorials" / "README.md").unlink()
    (pristine / NAME).write_text("better")
    sync(pristine, home)
    (pristine / "figures" / "detector.svg").unlink()
    found = {o.name: (o.state, o.new_name) for o in states(pristine, home)}
    assert found == {
        NAME: ("kept", "01-events.new.ipynb"),
        "02-sky.ipynb": ("current", ""),
        "README.md": ("deleted", ""),
        "figures/detector.svg": ("retired", ""),
    }


def _start_together(barrier: BarrierType, pristine: Path, home: Path) -> None:
    barrier.wait()
    report = sync(pristine, home)
    assert not report.problem, report.problem


def test_two_servers_that_start_at_once_do_no_harm(pristine: Path, home: Path) -> None:
    for number in range(40):
        (pristine / f"more-{number}.ipynb").write_text("x" * 10_000)
    barrier = Barrier(2)
    servers = [Process(target=_start_together, args=(barrier, pristine, home)) for _ in range(2)]
    for server in servers:
        server.start()
    for server in servers:
        server.join(60)
    assert [server.exitcode for server in servers] == [0, 0]
    assert contents(home / "tutorials") == contents(pristine)


def test_a_kill_in_the_middle_leaves_whole_files_only(pristine: Path, home: Path) -> None:
    for number in range(200):
        (pristine / f"more-{number:03}.ipynb").write_text("x" * 200_000)
    code = (
        "import sys; from pathlib import Path; from km3lab.tutorials import sync;"
        "print('go', flush=True); sync(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    folder = home / "tutorials"
    killed_midway = 0
    for _ in range(20):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(pristine), str(home)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        before = len(list(folder.glob("*"))) if folder.exists() else 0
        while process.poll() is None and len(list(folder.glob("*"))) < before + 5:
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        whole = contents(pristine)
        found = {n: c for n, c in contents(folder).items() if ".km3net-partial" not in n}
        killed_midway += found.keys() != whole.keys()
        assert all(content == whole[name] for name, content in found.items())
    assert killed_midway
    assert set(by_name(sync(pristine, home)).values()) <= {"new", "current"}
    assert contents(folder) == contents(pristine)


_TEXTS = st.sampled_from(["one", "two", "three", "my work", "other work"])
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("image"), _TEXTS),
        st.tuples(st.just("write"), _TEXTS),
        st.tuples(st.just("write new"), _TEXTS),
        st.tuples(st.just("delete"), st.just("")),
        st.tuples(st.just("forget"), st.just("")),
        st.tuples(st.just("reset"), st.just("")),
    ),
    max_size=12,
)


@given(steps=_STEPS)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_happens_no_text_of_the_users_is_lost(tmp_path: Path, steps: list) -> None:
    shutil.rmtree(tmp_path / "law", ignore_errors=True)
    image, home = tmp_path / "law" / "image", tmp_path / "law" / "home"
    image.mkdir(parents=True)
    home.mkdir()
    (image / NAME).write_text("one")
    shipped = {"one"}
    sync(image, home)
    mine = home / "tutorials" / NAME
    for step, text in steps:
        target = mine if step == "write" else mine.with_name("01-events.new.ipynb")
        if step == "image":
            shipped.add(text)
            (image / NAME).write_text(text)
        elif step in ("write", "write new"):
            target.write_text(text)
        elif step == "delete":
            mine.unlink(missing_ok=True)
        elif step == "forget":
            shutil.rmtree(home / ".local", ignore_errors=True)
        else:
            reset(NAME, image, home)
        before = {path.read_text() for path in mine.parent.iterdir()}
        sync(image, home)
        after = {path.read_text() for path in mine.parent.iterdir()}
        assert before - after <= shipped
