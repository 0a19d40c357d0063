"""The memory of this server as counted and limited by its control group (cgroup v1 or v2).

https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files and
https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["ControlGroup"]

#: cgroup v1 expresses "no limit" as a number near 2**63.
_UNLIMITED = 1 << 60


@dataclass(frozen=True)
class _Names:
    limit: str
    used: str
    kills: str
    cache: str
    """Key in memory.stat: file pages that the kernel drops before it kills a process."""


_V1 = _Names(
    "memory.limit_in_bytes", "memory.usage_in_bytes", "memory.oom_control", "total_inactive_file"
)
_V2 = _Names("memory.max", "memory.current", "memory.events", "inactive_file")


class ControlGroup:
    """A control group with a memory limit."""

    def __init__(self, folder: Path, names: _Names, limit: int) -> None:
        self._folder = folder
        self._names = names
        self.limit = limit
        """Bytes."""

    @classmethod
    def of_this_process(
        cls, root: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")
    ) -> ControlGroup | None:
        """Returns the group that limits this process; None without a limit."""
        try:
            lines = membership.read_text().splitlines()
        except OSError:
            return None
        for line in lines:
            _, controllers, path = line.split(":", 2)
            if "memory" in controllers.split(","):
                base, names = root / "memory", _V1
            elif controllers == "":
                base, names = root, _V2
            else:
                continue
            # In a container the group's files are at the root, whatever path is reported.
            for folder in (base / path.lstrip("/"), base):
                limit = _number(folder / names.limit)
                if limit is not None:
                    if limit < _UNLIMITED:
                        return cls(folder, names, limit)
                    break
        return None

    def used(self) -> int:
        """Returns the bytes in use that cannot be reclaimed."""
        used = _number(self._folder / self._names.used) or 0
        return max(0, used - (self._value("memory.stat", self._names.cache) or 0))

    def kills(self) -> int:
        """Returns the number of processes killed at the limit so far."""
        return self._value(self._names.kills, "oom_kill") or 0

    def _value(self, file: str, key: str) -> int | None:
        try:
            text = (self._folder / file).read_text()
        except OSError:
            return None
        for line in text.splitlines():
            name, _, value = line.partition(" ")
            if name == key:
                return int(value)
        return None


def _number(file: Path) -> int | None:
    try:
        text = file.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
