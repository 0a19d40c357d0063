"""Homes that existed before the limits keep every byte, whenever the machine stops."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from km3homes.place import Place
from km3homes.programs import HomesError
from tests.homes.conftest import MB, USER, service, settings, volume
from tests.homes.crashing import DIED, DONE, die_before

Disk = Callable[..., Path]
KINDS = [("image", "ext4"), ("btrfs", "btrfs")]


def nothing(copied: int, whole: int) -> None:
    """No report."""


def old_home(root: Path, user: str = "ada") -> Place:
    """A home of an earlier version, with all kinds of files."""
    place = volume(root, user)
    files = place.files
    os.chown(files, USER, USER)
    os.chmod(files, 0o750)  # noqa: S103
    (files / "notebooks" / "deep").mkdir(parents=True)
    (files / "notebooks" / "data.bin").write_bytes(os.urandom(3 * MB))
    (files / "name with ü and\nnewline").write_text("x")
    (files / ".hidden").write_text("secret")
    os.chmod(files / ".hidden", 0o600)
    os.link(files / ".hidden", files / "notebooks" / "same")
    os.symlink("/etc/passwd", files / "link")
    os.symlink("nowhere", files / "broken")
    os.mkfifo(files / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.getcwd()
        os.chdir(files)  # a socket's path is short
        listener.bind("socket")
        os.chdir(here)
    with (files / "sparse").open("wb") as sparse:
        sparse.truncate(50 * MB)
        sparse.seek(20 * MB)
        sparse.write(b"in the middle")
    os.setxattr(files / "notebooks", "user.note", b"kept")
    (files / "program").write_text("#!/bin/sh\n")
    os.chmod(files / "program", 0o2755)  # noqa: S103
    for top, folders, names in os.walk(files):
        for name in (*folders, *names):
            path = os.path.join(top, name)
            mode = os.lstat(path).st_mode & 0o7777
            os.lchown(path, USER, USER)
            if not os.path.islink(path):
                os.chmod(path, mode)
            os.utime(path, ns=(10**18, 10**18 + len(name)), follow_symlinks=False)
    return place


def contents(folder: Path) -> dict[str, Any]:
    """Everything that a user could notice."""
    found: dict[str, Any] = {}
    seen: dict[int, str] = {}
    for top, folders, files in os.walk(folder):
        for name in sorted((*folders, *files)):
            path = Path(top, name)
            inside = str(path.relative_to(folder))
            status = path.lstat()
            what: Any = None
            if path.is_symlink():
                what = os.readlink(path)
            elif path.is_file():
                what = hashlib.sha256(path.read_bytes()).hexdigest()
            same = seen.setdefault(status.st_ino, inside) if status.st_nlink > 1 else inside
            attributes = {} if path.is_symlink() else {
                key: os.getxattr(path, key) for key in os.listxattr(path)
            }  # fmt: skip
            time = None if path.is_dir() and not path.is_symlink() else status.st_mtime_ns
            linked = same if path.is_file() and not path.is_symlink() else ""
            found[inside] = (
                status.st_mode, status.st_uid, status.st_gid, time, what, linked, attributes,
            )  # fmt: skip
    status = folder.stat()
    found["."] = (status.st_mode, status.st_uid, status.st_gid)
    return found


@pytest.mark.parametrize(("backend", "kind"), KINDS)
def test_a_home_is_taken_over_with_everything_in_it(
    backend: str, kind: str, disk: Disk, tmp_path: Path
) -> None:
    root = disk(kind)
    place = old_home(root)
    before = contents(place.files)
    homes = service(root, backend, settings(tmp_path, "homes: {quota: 40M}"))
    # First the hub is asked to stop whatever uses the home.
    assert homes.prepare(place, (), nothing, unused=False) is None
    assert contents(place.files) == before
    found = homes.prepare(place, (), nothing, unused=True)
    assert found
    assert found.limit == pytest.approx(40 * MB, abs=MB)
    assert contents(place.files) == before
    beside = {"_data", "home.img", "groups.json"}
    assert {entry.name for entry in place.folder.iterdir()} <= beside


@pytest.mark.parametrize(("backend", "kind"), KINDS)
def test_a_crash_at_any_step_loses_nothing(
    backend: str, kind: str, disk: Disk, tmp_path: Path
) -> None:
    root = disk(kind, 900 * MB)
    file = settings(tmp_path, "homes: {quota: 40M}")
    for step in range(100):
        place = old_home(root, f"ada{step}")
        before = contents(place.files)

        def start(user: str = place.user) -> None:
            homes = service(root, backend, file)
            homes.open_all()
            homes.prepare(homes.find("home", user), (), nothing, unused=True)

        # Every third time it crashes again while it recovers.
        ends = [die_before(number, start) for number in (step, step // 2)[: 1 + (step % 3 == 0)]]
        assert set(ends) <= {DIED, DONE}, step
        homes = service(root, backend, file)
        homes.open_all()
        found = homes.prepare(place, (), nothing, unused=True)
        assert found, step
        assert found.limit == pytest.approx(40 * MB, abs=MB), step
        assert contents(place.files) == before, step
        left = {entry.name for entry in place.folder.iterdir()}
        assert left <= {"_data", "home.img", "groups.json"}, step
        homes.remove(place)
        if ends[0] == DONE:
            break
    else:
        pytest.fail("it never came to an end")
    assert step > 10


def test_files_that_were_written_past_the_image_are_found_in_the_home(
    disk: Disk, tmp_path: Path
) -> None:
    root = disk("ext4")
    place = old_home(root)
    file = settings(tmp_path, "homes: {quota: 40M}")
    homes = service(root, "image", file)
    homes.prepare(place, (), nothing, unused=True)
    before = contents(place.files)
    # As by an engine that was started without the service.
    subprocess.run(["umount", place.files], check=True)
    (place.files / "written.txt").write_text("past the image")
    service(root, "image", file).open_all()
    after = contents(place.files)
    rescued = next(place.files.glob("recovered-*")) / "files"
    assert rescued.parent.stat().st_uid == USER
    assert (rescued / "written.txt").read_text() == "past the image"
    assert {name: after[name] for name in before} == before


def test_a_disk_without_room_for_the_copy_leaves_the_home_as_it_is(
    disk: Disk, tmp_path: Path
) -> None:
    root = disk("ext4", 300 * MB)
    place = old_home(root)
    (place.files / "large").write_bytes(os.urandom(1 << 20) * 150)
    before = contents(place.files)
    homes = service(root, "image", settings(tmp_path, "homes: {quota: 40M}"))
    with pytest.raises(HomesError, match=r"contains 15\d MB, but the disk has only \d+ MB"):
        homes.prepare(place, (), nothing, unused=True)
    assert contents(place.files) == before


def test_a_home_with_more_than_its_limit_is_taken_over_and_takes_no_more(
    disk: Disk, tmp_path: Path
) -> None:
    root = disk("ext4")
    place = old_home(root)
    (place.files / "large").write_bytes(os.urandom(1 << 20) * 60)
    before = contents(place.files)
    homes = service(root, "image", settings(tmp_path, "homes: {quota: 40M}"))
    found = homes.prepare(place, (), nothing, unused=True)
    assert contents(place.files) == before
    assert found
    assert "more than its limit of 40.0 MB" in found.note
    assert found.used == found.limit


@pytest.mark.parametrize(("backend", "kind"), KINDS)
def test_a_removed_home_leaves_an_empty_volume_to_docker(
    backend: str, kind: str, disk: Disk, tmp_path: Path
) -> None:
    root = disk(kind)
    place = old_home(root)
    homes = service(root, backend, settings(tmp_path, "homes: {quota: 40M}"))
    homes.prepare(place, (), nothing, unused=True)
    homes.remove(place)
    assert list(place.files.iterdir()) == []
    assert not (place.folder / "home.img").exists()
    # A name given again starts with nothing.
    assert homes.prepare(place, (), nothing, unused=True)
    assert list(place.files.iterdir()) == []
