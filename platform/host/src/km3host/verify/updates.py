"""Updates that wait for an administrator: those of Docker are not installed automatically.

An update restarts the engine, so the roles exclude it from the nightly updates (role `base`).
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass

from km3host.errors import HostError
from km3host.programs import run

__all__ = ["NAMES", "PREFIXES", "Update", "waiting"]

#: How the names of packages start that the role `base` excludes, and names that it excludes: among
#: them the registry of the workers and the packages of Docker's own repository.
PREFIXES = ("docker", "containerd")
NAMES = ("runc",)
#: dnf's exit code where there are updates.
_DNF_UPDATES = 100
_BLOCK = re.compile(r"^(\S+):\n  Installed: (\S+)\n  Candidate: (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Update:
    """A newer version of an installed package."""

    package: str
    version: str
    installed: str = ""

    def __str__(self) -> str:
        before = f"{self.installed} -> " if self.installed else ""
        return f"{self.package} {before}{self.version}"


def waiting() -> list[Update]:
    """Return the updates of Docker that the package lists of this machine name.

    Nothing is downloaded: the nightly timer updates the lists. A machine without apt and dnf has no
    such updates.

    Raises
    ------
    HostError
        If the package manager fails.
    """
    if shutil.which("apt-cache"):
        return _apt()
    return _dnf() if shutil.which("dnf") else []


def _apt() -> list[Update]:
    known = [_apt_cache("pkgnames", prefix).split() for prefix in PREFIXES]
    packages = [*NAMES, *(name for names in known for name in names)]
    return [
        Update(package, candidate, installed)
        for package, installed, candidate in _BLOCK.findall(_apt_cache("policy", *sorted(packages)))
        if "(none)" not in (installed, candidate) and installed != candidate
    ]


def _apt_cache(*words: str) -> str:
    done = run("apt-cache", *words, environment={"LC_ALL": "C"})
    if done.returncode:
        raise HostError(f"apt-cache {words[0]} failed: {done.stderr.strip()}")
    return done.stdout


def _dnf() -> list[Update]:
    patterns = [*NAMES, *(f"{prefix}*" for prefix in PREFIXES)]
    options = ["--quiet", "--cacheonly", "--disableexcludes=all"]
    done = run("dnf", *options, "check-update", *patterns, environment={"LC_ALL": "C"})
    if done.returncode not in (0, _DNF_UPDATES):
        raise HostError(f"dnf check-update failed: {done.stderr.strip()}")
    rows = [line.split() for line in done.stdout.splitlines()]
    return [Update(row[0].rpartition(".")[0], row[1]) for row in rows if len(row) == 3]
