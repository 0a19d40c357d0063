"""The size of users' homes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from km3settings.names import USER_LABEL, Names

__all__ = ["folder_sizes", "volume_sizes"]


def folder_sizes(homes: Path) -> dict[str, int]:
    """Returns the disk space of each user's homes below a folder (embedded mode), in bytes."""
    found: dict[str, int] = {}
    for home in homes.iterdir() if homes.is_dir() else ():
        if home.is_dir():
            # `ada.2` is the home of the second person named ada.
            user = home.name.partition(".")[0]
            found[user] = found.get(user, 0) + _size(home)
    return found


def _size(folder: Path) -> int:
    total = 0
    seen: set[tuple[int, int]] = set()
    # os.walk follows no symbolic links, so that a link to / costs nothing.
    for path, _, files in os.walk(folder):
        for name in files:
            try:
                status = os.lstat(os.path.join(path, name))
            except OSError:
                continue  # removed in the meantime
            if status.st_nlink > 1:
                if (status.st_dev, status.st_ino) in seen:
                    continue
                seen.add((status.st_dev, status.st_ino))
            total += status.st_blocks * 512
    return total


def volume_sizes(usage: Callable[[], Mapping[str, Any]], names: Names) -> dict[str, int]:
    """Returns the size of each user's home volumes (containers), in bytes.

    Parameters
    ----------
    usage
        Returns the engine's answer to `docker system df`.
    names
        The names of this project.
    """
    found: dict[str, int] = {}
    for volume in usage().get("Volumes") or ():
        size = (volume.get("UsageData") or {}).get("Size", -1)
        user = (volume.get("Labels") or {}).get(USER_LABEL)
        if user and size >= 0 and volume["Name"].startswith(names.home("")):
            found[user] = found.get(user, 0) + int(size)
    return found
