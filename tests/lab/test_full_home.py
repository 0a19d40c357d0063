"""A home that takes no files never prevents a start, and says what to do about it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from km3lab.home import trouble
from km3lab.tutorials import TutorialError, reset, sync
from tests.commands import run
from tests.lab.running import LabServer
from tests.waiting import wait_until

StartLab = Callable[..., LabServer]


@pytest.fixture
def small_home(tmp_path: Path) -> Iterator[Path]:
    """A home on a disk of 2 MB."""
    folder = tmp_path / "small-home"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip(
            "needs the right to mount a small disk: run as root, or as"
            " `unshare --user --map-root-user --mount make test`"
        )
    yield folder
    run("umount", "--lazy", folder)


def fill(home: Path, *, leave: int = 0) -> None:
    """Write until the disk is full, but for `leave` bytes."""
    with (home / "big.h5").open("ab", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
    os.truncate(home / "big.h5", (home / "big.h5").stat().st_size - leave)


def test_a_server_starts_and_says_what_fills_the_home(
    start_lab: StartLab, small_home: Path
) -> None:
    (small_home / "work.ipynb").write_text("{}")
    fill(small_home)
    server = start_lab(small_home)
    landing = server.notices()["landing"]
    text = server.api("GET", f"/api/contents/{landing}")["content"]
    assert "because **it is full**" in text
    assert "MB | `home/big.h5` |" in text
    assert "temporary folder" in server.log


def test_a_kernel_runs_and_deleting_in_lab_makes_room(
    start_lab: StartLab, small_home: Path, pristine: Path
) -> None:
    fill(small_home)
    server = start_lab(small_home, KM3_TUTORIALS=str(pristine))
    assert server.run(server.new_kernel(), "print(6 * 7)").strip() == "42"
    names = [entry["name"] for entry in server.api("GET", "/api/contents/home")["content"]]
    assert names == ["big.h5"]
    server.api("DELETE", "/api/contents/home/big.h5")
    server.stop()
    # The next start is an ordinary one again.
    server = start_lab(small_home, KM3_TUTORIALS=str(pristine))
    assert server.notices()["landing"] == "Welcome.md"
    assert (small_home / "tutorials" / "01-events.ipynb").exists()


def test_tutorials_that_do_not_fit_leave_no_partial_file(
    start_lab: StartLab, small_home: Path, pristine: Path
) -> None:
    (pristine / "03-large.ipynb").write_bytes(b"x" * (4 << 20))
    report = sync(pristine, small_home)
    assert report.no_space
    assert not list(small_home.rglob("*partial*"))
    assert not (small_home / "tutorials" / "03-large.ipynb").exists()
    for path in (small_home / "tutorials").glob("0*"):
        assert path.read_bytes() == (pristine / path.name).read_bytes()
    server = start_lab(small_home, KM3_TUTORIALS=str(pristine))
    landing = server.notices()["landing"]
    assert landing


def test_an_update_on_a_full_disk_keeps_the_old_version(small_home: Path, pristine: Path) -> None:
    sync(pristine, small_home)
    before = (small_home / "tutorials" / "01-events.ipynb").read_bytes()
    (pristine / "01-events.ipynb").write_bytes(b"y" * 100_000)
    fill(small_home)
    assert sync(pristine, small_home).no_space
    assert (small_home / "tutorials" / "01-events.ipynb").read_bytes() == before


def test_a_reset_on_a_full_disk_changes_nothing(small_home: Path, pristine: Path) -> None:
    sync(pristine, small_home)
    mine = small_home / "tutorials" / "01-events.ipynb"
    mine.write_text("my work")
    fill(small_home)
    with pytest.raises(TutorialError, match=r"your home is full .* nothing was changed"):
        reset("01-events.ipynb", pristine, small_home)
    assert mine.read_text() == "my work"
    assert not list(mine.parent.glob("*yours*"))


def test_saving_on_a_disk_that_became_full_fails_and_keeps_the_file(
    start_lab: StartLab, small_home: Path
) -> None:
    server = start_lab(small_home)
    note = {"type": "file", "format": "text", "content": "precious"}
    server.api("PUT", "/api/contents/note.txt", json=note)
    fill(small_home)
    answer = server.client.put("/api/contents/note.txt", json={**note, "content": "x" * 200_000})
    assert answer.status_code == httpx.codes.INSUFFICIENT_STORAGE
    assert answer.json()["message"].startswith("The disk is full: note.txt could not be saved.")
    assert (small_home / "note.txt").read_text() == "precious"
    # Lab shows it too, once, until something can be saved again.
    assert [n["topic"] for n in server.notices()["notices"]].count("disk") == 1
    # Kernels do not need the disk.
    assert server.run(server.new_kernel(), "print(6 * 7)").strip() == "42"
    (small_home / "big.h5").unlink()
    server.api("PUT", "/api/contents/note.txt", json={**note, "content": "x" * 200_000})
    assert "disk" not in [n["topic"] for n in server.notices()["notices"]]


def test_lab_warns_when_a_kernel_fills_the_home(start_lab: StartLab, small_home: Path) -> None:
    server = start_lab(small_home)
    fill_up = "f = open('big.h5', 'wb', buffering=0)\nwhile True: f.write(b'x' * 4096)"
    kernel = server.new_kernel()
    assert "No space left on device" in server.run(kernel, fill_up)

    def said() -> list[str]:
        return [n["text"] for n in server.notices()["notices"] if n["topic"] == "space"]

    (text,) = wait_until(said, seconds=20, what="the warning")
    assert text.startswith("Your home is full")
    # An open file holds its space.
    server.run(kernel, "f.close()")
    (small_home / "big.h5").unlink()
    wait_until(lambda: not said(), seconds=20, what="the warning is withdrawn")


def test_a_read_only_home_is_named_so(small_home: Path, start_lab: StartLab) -> None:
    run("mount", "-o", "remount,ro", small_home)
    server = start_lab(small_home)
    text = server.api("GET", f"/api/contents/{server.notices()['landing']}")["content"]
    assert "because **it is read-only**" in text


def test_a_home_that_does_not_exist_is_named_so(start_lab: StartLab, tmp_path: Path) -> None:
    server = start_lab(tmp_path / "nowhere")
    text = server.api("GET", f"/api/contents/{server.notices()['landing']}")["content"]
    assert "because **it does not exist**" in text


def test_a_home_with_room_has_no_trouble_and_no_trace(home: Path) -> None:
    assert trouble(home) == ""
    assert list(home.iterdir()) == []
