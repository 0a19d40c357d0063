"""The limit of a home holds, grows, shrinks and never goes below what the home contains."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from km3homes.limits import Limits
from km3homes.place import Place
from km3homes.service import Homes
from tests.homes.conftest import MB, USER, as_user, fill, run, service, settings, volume
from tests.waiting import wait_until

Disk = Callable[..., Path]
KINDS = [("image", "ext4"), ("btrfs", "btrfs")]
FULL = {os.strerror(28), os.strerror(122)}  # ENOSPC, EDQUOT


def nothing(copied: int, whole: int) -> None:
    """No report."""


def prepared(homes: Homes, place: Place, *groups: str) -> Place:
    os.chown(place.files, USER, USER)
    assert homes.prepare(place, groups, nothing, unused=True)
    return place


@pytest.mark.parametrize(("backend", "kind"), KINDS)
def test_a_full_home_leaves_the_neighbour_its_space(
    backend: str, kind: str, disk: Disk, tmp_path: Path
) -> None:
    root = disk(kind, 600 * MB)
    homes = service(root, backend, settings(tmp_path, "homes: {quota: 60M}"))
    greedy, neighbour = (prepared(homes, volume(root, name)) for name in ("ada", "bob"))
    written, error = fill(greedy.files, 500 * MB)
    assert error in FULL
    assert 55 * MB < written <= 61 * MB
    assert fill(neighbour.files, 20 * MB) == (20 * MB, "")
    # A second project's home, and the volume of the hub, are not this user's to fill.
    assert os.statvfs(root).f_bavail * os.statvfs(root).f_frsize > 300 * MB


@pytest.mark.parametrize(("backend", "kind"), KINDS)
def test_a_limit_grows_and_shrinks_while_the_home_is_in_use(
    backend: str, kind: str, disk: Disk, tmp_path: Path
) -> None:
    root = disk(kind, 900 * MB)
    file = settings(tmp_path, "homes: {quota: 60M}")
    limits = Limits(file)
    homes = service(root, backend, file)
    homes._limits = limits
    home = prepared(homes, volume(root, "ada"))
    with (home.files / "open").open("wb") as in_use:
        os.fchown(in_use.fileno(), USER, USER)
        assert fill(home.files, 200 * MB)[0] < 61 * MB
        settings(tmp_path, "homes: {quota: 100M}")
        assert limits.changed()
        homes.apply_all()
        more, error = fill(home.files, 200 * MB)
        assert error in FULL
        assert 30 * MB < more <= 41 * MB
        os.unlink(home.files / "filler")
        os.sync()
        settings(tmp_path, "homes: {quota: 30M}")
        assert limits.changed()
        homes.apply_all()
        assert 25 * MB < fill(home.files, 200 * MB)[0] <= 31 * MB


@pytest.mark.parametrize(("backend", "kind"), KINDS)
def test_a_limit_below_the_use_is_refused_with_the_figure(
    backend: str, kind: str, disk: Disk, tmp_path: Path
) -> None:
    root = disk(kind)
    file = settings(tmp_path, "homes: {quota: 100M}")
    limits = Limits(file)
    homes = service(root, backend, file)
    homes._limits = limits
    home = prepared(homes, volume(root, "ada"))
    fill(home.files, 80 * MB)
    settings(tmp_path, "homes: {quota: 50M}")
    assert limits.changed()
    found = homes.usage(home)
    assert found.limit is not None
    assert abs(found.limit - found.used) < MB
    assert 80 * MB <= found.used < 84 * MB
    assert f"contains {found.used / MB:.1f} MB, more than its limit of 50.0 MB" in found.note
    assert fill(home.files, 20 * MB)[0] < 2 * MB
    # As soon as files are deleted the limit follows.
    os.unlink(home.files / "filler")
    os.sync()
    found = homes.usage(home)
    assert found.note == ""
    assert found.limit is not None
    assert abs(found.limit - 50 * MB) < MB


def test_df_shows_the_limit_of_a_home_in_an_image(disk: Disk, tmp_path: Path) -> None:
    root = disk("ext4")
    homes = service(root, "image", settings(tmp_path, "homes: {quota: 60M}"))
    home = prepared(homes, volume(root, "ada"))
    fill(home.files, 30 * MB)
    line = run("df", "--block-size=1", "--output=used,avail,pcent", home.files).stdout
    used, free, percent = line.splitlines()[1].replace("%", "").split()
    assert abs(int(used) + int(free) - 60 * MB) < MB
    assert abs(int(percent) - 50) <= 2


def test_a_larger_limit_than_the_image_can_hold_applies_at_the_next_start(
    disk: Disk, tmp_path: Path
) -> None:
    root = disk("ext4", 900 * MB)
    file = settings(tmp_path, "homes: {quota: 40M}")
    limits = Limits(file)
    homes = service(root, "image", file)
    homes._limits = limits
    home = prepared(homes, volume(root, "ada"))
    fill(home.files, 20 * MB)
    before = as_user(home.files, "sha256sum", "filler").stdout
    settings(tmp_path, "homes: {quota: 500M}")
    assert limits.changed()
    found = homes.usage(home)
    assert found.limit is not None
    assert 60 * MB < found.limit < 500 * MB
    assert "after its user's server was stopped and started" in found.note
    # In use, as by a container that the hub does not know: nothing is resized under its feet.
    with (home.files / "open").open("wb"):
        still = homes.prepare(home, (), nothing, unused=True)
        assert still
        assert still.limit == pytest.approx(found.limit, abs=MB)
    again = homes.prepare(home, (), nothing, unused=True)
    assert again
    assert again.note == ""
    assert again.limit is not None
    assert abs(again.limit - 500 * MB) < MB
    assert as_user(home.files, "sha256sum", "filler").stdout == before
    assert fill(home.files, 200 * MB) == (200 * MB, "")


def test_the_largest_quota_of_a_users_groups_applies(disk: Disk, tmp_path: Path) -> None:
    root = disk("ext4")
    text = "homes: {quota: 40M, group_quotas: {experts: 80M, visitors: 10M}}"
    homes = service(root, "image", settings(tmp_path, text))
    limits = {}
    for user, groups in (("ada", ("experts", "visitors")), ("bob", ("visitors",))):
        found = homes.usage(prepared(homes, volume(root, user), *groups))
        assert found.limit is not None
        limits[user] = round(found.limit / MB)
    assert limits == {"ada": 80, "bob": 40}


def test_deleted_files_give_their_space_back_to_the_disk(disk: Disk, tmp_path: Path) -> None:
    root = disk("ext4", 600 * MB)
    homes = service(root, "image", settings(tmp_path, "homes: {quota: 200M}"))
    home = prepared(homes, volume(root, "ada"))
    fill(home.files, 150 * MB)
    full = (home.folder / "home.img").stat().st_blocks * 512
    assert full > 150 * MB
    os.unlink(home.files / "filler")
    os.sync()
    # The file system discards blocks after it has written its journal.
    wait_until(
        lambda: (home.folder / "home.img").stat().st_blocks * 512 < full - 100 * MB,
        seconds=60,
        what="the image is smaller",
    )
