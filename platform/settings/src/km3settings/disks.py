"""How the limits of homes are enforced on a machine: what its disk and its kernel offer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from km3settings.settings import Settings

__all__ = [
    "SOCKET",
    "Disk",
    "Enforced",
    "HomesChoice",
    "HomesError",
    "Kept",
    "choose_homes",
    "disk_of",
]

#: The socket of the service `homes`, in its container and in the hub's.
SOCKET = Path("/run/km3homes/homes.sock")

Enforced = Literal["xfs", "btrfs", "image"]
#: What a platform was started with before; empty: unknown.
Kept = Literal["xfs", "btrfs", "image", "none", ""]

#: Options of an XFS file system with project quotas (xfs(5)).
_PROJECT_QUOTAS = {"prjquota", "pquota"}
#: mountinfo writes blanks and backslashes of a path as octal numbers (proc(5)).
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Disk:
    """The file system of a folder, according to `/proc/self/mountinfo`."""

    kind: str
    """Its type, such as `ext4`."""
    options: frozenset[str]
    shared: bool
    """Whether mounts made in a container can appear on the machine (mount propagation)."""


def disk_of(folder: Path, mountinfo: str) -> Disk | None:
    """Returns the file system of `folder`; None if `mountinfo` has none for it."""
    found: tuple[int, Disk] | None = None
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        fields, rest = before.split(), after.split()
        if len(fields) < 6 or len(rest) < 3:
            continue
        point = Path(_OCTAL.sub(lambda match: chr(int(match[1], 8)), fields[4]))
        if not folder.is_relative_to(point):
            continue
        options = frozenset((fields[5] + "," + rest[2]).split(","))
        shared = any(field.startswith("shared:") for field in fields[6:])
        # Later mounts on the same point cover earlier ones.
        if found is None or len(point.parts) >= found[0]:
            found = len(point.parts), Disk(rest[0], options, shared)
    return found[1] if found else None


@dataclass(frozen=True)
class HomesChoice:
    """How the limits of homes are enforced, and why."""

    backend: Enforced | Literal["none"]
    why: str
    """The reason, as a part of a sentence."""
    volumes: Path
    """The folder with Docker's volumes."""

    @property
    def sentence(self) -> str:
        """The choice in one line."""
        if self.backend == "none":
            return f"the limits of homes are not enforced: {self.why}"
        words = {
            "xfs": "XFS project quotas",
            "btrfs": "btrfs quota groups",
            "image": "a file system of its own for each home",
        }
        return f"limits are enforced by {words[self.backend]} ({self.why})"

    def environment(self) -> dict[str, str]:
        """Returns the variables of `docker-compose.yml` for the service `homes`."""
        return {
            "KM3_HOMES": self.backend,
            "KM3_VOLUMES": str(self.volumes),
            # Only images are mounted. For the others the engine chooses: it refuses `rshared` where
            # mounts are private, and anything below its own folder that is private.
            "KM3_HOMES_PROPAGATION": "rshared" if self.backend == "image" else "",
            "KM3_LOOP_CONTROL": "/dev/loop-control" if self.backend == "image" else "/dev/null",
        }


class HomesError(ValueError):
    """The wanted backend does not work on this machine; the message says what is missing."""


def choose_homes(
    settings: Settings, volumes: Path, mountinfo: str, *, loops: bool, kept: Kept = ""
) -> HomesChoice | None:
    """Returns how the limits of homes are enforced; None: there are none to enforce.

    Parameters
    ----------
    settings
        The settings.
    volumes
        The folder with Docker's volumes, on this machine.
    mountinfo
        The machine's `/proc/self/mountinfo`.
    loops
        Whether the machine has loop devices.
    kept
        The backend that this platform's homes already have; `auto` stays with it.

    Raises
    ------
    HomesError
        If the settings name a backend that this machine does not offer.
    """
    if not settings.homes.needs_service and kept in ("", "none"):
        return None
    wanted, why = settings.homes.backend, "homes.backend"
    if wanted == "auto" and kept in ("xfs", "btrfs", "image"):
        # Changing the way means moving all files; only an administrator decides that.
        wanted, why = kept, "as before"
    if wanted == "none":
        return HomesChoice("none", "homes.backend is none", volumes)
    disk = disk_of(volumes, mountinfo)
    swarm = settings.spawner.kind == "swarm"
    reasons = {name: _missing(name, disk, volumes, loops, swarm) for name in _WAYS}
    if wanted != "auto":
        if reasons[wanted]:
            raise HomesError(
                f"homes.backend: {wanted} does not work here: {reasons[wanted]}. docs/homes.md"
                " describes what each backend needs"
            )
        return HomesChoice(wanted, why, volumes)
    for name, words in _WAYS.items():
        if not reasons[name]:
            return HomesChoice(name, words.format(volumes), volumes)
    return HomesChoice("none", f"{reasons['image']}; {reasons['xfs']}", volumes)


#: In the order of preference, with the reason for the choice.
_WAYS: dict[Enforced, str] = {
    "xfs": "{} is XFS with project quotas",
    "btrfs": "{} is btrfs",
    "image": "{} has no quotas of its own",
}


def _missing(name: Enforced, disk: Disk | None, volumes: Path, loops: bool, swarm: bool) -> str:
    """Returns what a backend lacks on this machine; empty: nothing."""
    if disk is None:
        return f"{volumes} is not a folder of this machine"
    if swarm:
        return "not on several machines, whose workers run no service for homes"
    if name == "image":
        return _missing_for_images(disk, loops)
    if disk.kind != name:
        return f"{volumes} is {disk.kind}, not {name}"
    if name == "xfs" and not disk.options & _PROJECT_QUOTAS:
        return f"{volumes} is xfs without the mount option prjquota"
    return ""


def _missing_for_images(disk: Disk, loops: bool) -> str:
    if not loops:
        return "the kernel has no loop devices (as root: modprobe loop)"
    if not disk.shared:
        return "mounts of this machine are private (as root: mount --make-rshared /)"
    return ""
