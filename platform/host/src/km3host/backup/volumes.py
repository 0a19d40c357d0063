"""The platform's Docker volumes and the databases in them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from km3host.programs import docker

__all__ = [
    "SQLITE_COMPANIONS",
    "Volume",
    "copy_database",
    "create",
    "databases",
    "find",
    "unmounted",
]

_SQLITE_HEADER = b"SQLite format 3\0"
#: Endings of the files that SQLite keeps beside a database while it is open.
SQLITE_COMPANIONS = ("-wal", "-shm", "-journal")


@dataclass(frozen=True)
class Volume:
    """A Docker volume."""

    name: str
    labels: dict[str, str]
    path: Path


def find(project: str) -> list[Volume]:
    """Return all volumes of a platform."""
    label = f"label=org.km3net.project={project}"
    names = docker("volume", "ls", "--quiet", "--filter", label).split()
    described = json.loads(docker("volume", "inspect", *names)) if names else []
    return [
        Volume(entry["Name"], entry["Labels"] or {}, Path(entry["Mountpoint"]))
        for entry in described
    ]


def unmounted(volumes: Iterable[Volume]) -> list[str]:
    """Return the volumes whose files are in an image (`home.img`) that is not mounted now."""
    return [
        volume.name
        for volume in volumes
        if (volume.path.parent / "home.img").exists() and not volume.path.is_mount()
    ]


def create(name: str, labels: dict[str, str]) -> None:
    """Create a volume; one that exists is left alone."""
    docker("volume", "create", *(f"--label={key}={value}" for key, value in labels.items()), name)


def databases(volumes: Iterable[Volume], project: str) -> list[tuple[Volume, Path]]:
    """Return the SQLite databases of hub and portal with their volumes.

    Databases in volumes that users write to are saved like any other file: a link there could
    lead root to any file.
    """
    users = tuple(f"{project}-{kind}-" for kind in ("home", "scratch", "shared"))
    return [
        (volume, path)
        for volume in volumes if not volume.name.startswith(users)
        for path in sorted(volume.path.iterdir()) if path.is_file() and _is_database(path)
    ]  # fmt: skip


def _is_database(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(_SQLITE_HEADER)) == _SQLITE_HEADER


def copy_database(path: Path, copy: Path) -> None:
    """Copy a database that may be written to meanwhile; the copy is consistent."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
