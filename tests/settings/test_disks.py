"""Which way to enforce limits a machine offers, from real lines of /proc/self/mountinfo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from km3settings.disks import HomesError, choose_homes, disk_of
from km3settings.settings import SettingsError, parse

VOLUMES = Path("/var/lib/docker/volumes")
#: proc_pid_mountinfo(5): the optional fields may be several or none.
EXT4 = "36 35 98:0 / / rw,noatime shared:1 master:2 - ext4 /dev/root rw,errors=continue"
BTRFS = "50 36 0:44 /@docker /var/lib/docker rw,relatime shared:3 - btrfs /dev/sda2 rw,space_cache"
XFS = "51 36 8:32 / /var/lib/docker/volumes rw,relatime shared:4 - xfs /dev/sdc rw,attr2,{}"
BLANKS = r"52 36 8:48 / /srv/with\040blank rw - ext4 /dev/sdd rw"


def choose(*lines: str, loops: bool = True, kept: Any = "", **settings: Any) -> str:
    homes = {"quota": "10G", **settings.pop("homes", {})}
    found = choose_homes(
        parse({"homes": homes, **settings}), VOLUMES, "\n".join(lines), loops=loops, kept=kept
    )
    return found.backend if found else ""


def test_the_nearest_mount_counts() -> None:
    text = "\n".join((XFS.format("prjquota"), EXT4, BTRFS, BLANKS))
    kinds = {
        "/var/lib/docker/volumes": "xfs",
        "/var/lib/docker/volumes/a": "xfs",
        "/var/lib/docker": "btrfs",
        "/var/lib/dockerize": "ext4",
        "/srv/with blank/x": "ext4",
    }
    found = {path: disk_of(Path(path), text) for path in kinds}
    assert {path: disk.kind for path, disk in found.items() if disk} == kinds
    assert disk_of(Path("/x"), "") is None


def test_the_best_way_is_chosen() -> None:
    assert choose(EXT4) == "image"
    assert choose(EXT4, BTRFS) == "btrfs"
    assert choose(EXT4, XFS.format("prjquota")) == "xfs"
    assert choose(EXT4, XFS.format("pquota")) == "xfs"
    assert choose(EXT4, XFS.format("noquota")) == "image"
    assert choose(EXT4, loops=False) == "none"
    assert choose(EXT4.replace("shared:1 master:2 ", "")) == "none"
    assert choose("") == "none"
    assert choose(EXT4, spawner={"kind": "swarm"}) == "none"


@pytest.mark.parametrize("wanted", ["xfs", "btrfs"])
def test_a_way_that_does_not_work_is_refused_with_the_reason(wanted: str) -> None:
    with pytest.raises(HomesError, match=f"homes.backend: {wanted} does not work here: .*ext4"):
        choose(EXT4, homes={"backend": wanted})


def test_nothing_runs_without_a_limit_but_images_stay_mounted() -> None:
    nothing = parse({})
    assert choose_homes(nothing, VOLUMES, EXT4, loops=True) is None
    kept = choose_homes(nothing, VOLUMES, EXT4, loops=True, kept="image")
    assert kept is not None
    assert kept.backend == "image"


def test_quotas_of_groups_need_one_for_everybody() -> None:
    with pytest.raises(SettingsError, match="group_quotas needs quota"):
        parse({"homes": {"group_quotas": {"experts": "1G"}}})
    homes = parse({"homes": {"quota": "1G", "group_quotas": {"experts": "3G", "few": "5M"}}}).homes
    assert homes.limit([]) == homes.limit(["few"]) == 1 << 30
    assert homes.limit(["few", "experts"]) == 3 << 30
