"""What a user can do to take files out of the limit of a home."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from km3homes.place import find, find_all
from km3homes.programs import HomesError
from km3homes.xfs import project_of
from tests.homes.conftest import MB, NAMES, USER, as_user, fill, run, service, settings, volume

Disk = Callable[..., Path]

#: linux/btrfs.h: creates a subvolume in a folder; linux/fs.h: sets the project of a file.
SUBVOLUME = """
import fcntl, os, struct, sys
folder = os.open(".", os.O_RDONLY)
fcntl.ioctl(folder, 0x5000940E, bytearray(struct.pack("q4088s", 0, sys.argv[1].encode())))
"""
PROJECT = """
import fcntl, os, struct
file = os.open("filler", os.O_RDWR)
found = bytearray(28)
fcntl.ioctl(file, 0x801C581F, found)
flags, extent, extents, project, cow = struct.unpack_from("5I", found)
fcntl.ioctl(file, 0x401C5820, struct.pack("5I8x", flags, extent, extents, 0, cow))
"""


def test_subvolumes_of_a_user_take_no_more_than_they_contain(disk: Disk, tmp_path: Path) -> None:
    root = disk("btrfs", 600 * MB)
    homes = service(root, "btrfs", settings(tmp_path, "homes: {quota: 40M}"))
    home = volume(root, "ada")
    os.chown(home.files, USER, USER)
    homes.prepare(home, (), lambda copied, whole: None, unused=True)
    assert as_user(home.files, "/usr/bin/python3", "-c", SUBVOLUME, "out").returncode == 0
    # The attack: far more than the limit of the home.
    assert fill(home.files / "out", 100 * MB) == (100 * MB, "")
    homes.confine_all("btrfs")
    more, error = fill(home.files / "out", 100 * MB)
    assert more <= 2 * MB
    assert error == os.strerror(122)
    # Also one in a new one.
    assert as_user(home.files, "/usr/bin/python3", "-c", SUBVOLUME, "next").returncode == 0
    inner = as_user(home.files / "next", "/usr/bin/python3", "-c", SUBVOLUME, "inner")
    assert inner.returncode == 0
    homes.confine_all("btrfs")
    assert fill(home.files / "next" / "inner", 100 * MB)[0] <= 2 * MB
    # The user can delete them, and everything with the home.
    homes.remove(home)
    assert list(home.files.iterdir()) == []


def test_an_xfs_project_covers_new_files_and_is_restored(disk: Disk, tmp_path: Path) -> None:
    """The kernel of many test machines has XFS without quotas: projects work, limits do not."""
    root = disk("xfs", 400 * MB)
    folder = root / "home"
    folder.mkdir()
    os.chown(folder, USER, USER)
    number = 1 << 20

    def assign() -> None:
        run("xfs_quota", "-x", "-D", "/dev/null", "-P", "/dev/null", "-c",
            f"project -s -p {folder} {number}", root)  # fmt: skip

    assign()
    assert project_of(folder) == number
    fill(folder, MB)
    shown = run("xfs_io", "-r", "-c", "lsproj", folder / "filler").stdout
    assert shown.strip() == f"projid = {number}"
    # The attack: the owner of a file takes it out of the project.
    assert as_user(folder, "/usr/bin/python3", "-c", PROJECT).returncode == 0
    assert "projid = 0" in run("xfs_io", "-r", "-c", "lsproj", folder / "filler").stdout
    assign()
    shown = run("xfs_io", "-r", "-c", "lsproj", folder / "filler").stdout
    assert shown.strip() == f"projid = {number}"


@pytest.mark.parametrize(
    "user",
    ["", ".", "..", "../km3test-state", "a/b", "-rf", "a b", "a\n", "\0", "x" * 300, ".hidden"],
)
def test_only_names_of_homes_are_taken(tmp_path: Path, user: str) -> None:
    (tmp_path / "km3test-state").mkdir()
    with pytest.raises(HomesError):
        find(tmp_path, NAMES, "home", user)


@pytest.mark.parametrize("kind", ["state", "", "../home", "homes"])
def test_only_homes_and_scratch_folders_are_taken(tmp_path: Path, kind: str) -> None:
    with pytest.raises(HomesError):
        find(tmp_path, NAMES, kind, "ada")


def test_a_link_is_no_volume(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "km3test-home-ada").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(HomesError, match="there is no volume km3test-home-ada"):
        find(tmp_path, NAMES, "home", "ada")
    assert list(find_all(tmp_path, NAMES)) == []
