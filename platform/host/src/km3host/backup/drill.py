"""Rehearsing a restore: unpack a backup beside the platform and check that it is complete."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

from km3host.backup import volumes
from km3host.backup.repository import BackupError, Repository
from km3host.events import report
from km3host.programs import docker

__all__ = ["drill"]


def drill(repository: Repository, snapshot: str, folder: Path) -> None:
    """Restore a backup into a temporary folder, check it, and remove it again.

    Parameters
    ----------
    repository
        Where the backups are.
    snapshot
        The identifier of a backup, or `latest`.
    folder
        A folder with enough space for the whole backup.

    Raises
    ------
    BackupError
        If there is too little space, a part is missing, or a database is damaged.
    """
    settings = repository.settings
    snapshot = repository.snapshot_id(snapshot)
    size = _require_space(repository, snapshot, folder)
    began = time.monotonic()
    # Only root may enter the temporary folder.
    with tempfile.TemporaryDirectory(prefix="km3net-drill-", dir=folder) as name:
        place = Path(name)
        repository.restic("restore", snapshot, "--target", name, "--verify")
        listed = json.loads(_require(place, settings.stage / "volumes.json").read_text())
        names = [entry["Name"] for entry in listed]
        _require(place, Path(settings.folder))
        root = Path(docker("info", "--format={{.DockerRootDir}}").strip())
        for volume in names:
            _require(place, root / "volumes" / volume / "_data")
        copies = sorted(_below(place, settings.stage / "databases").glob("*/*"))
        for copy in copies:
            _require_intact(copy)
        files = sum(path.is_file() and not path.is_symlink() for path in place.rglob("*"))
    seconds = time.monotonic() - began
    report(
        f"backup {snapshot[:8]}: restored {files} files ({size / 1e6:,.1f} MB) in {seconds:.0f} s;"
        f" {len(names)} volumes and {len(copies)} databases are intact"
    )
    newer = [v.name for v in volumes.find(settings.project) if v.name not in names]
    if newer:
        report(f"created after this backup: {', '.join(newer)}")


def _require_space(repository: Repository, snapshot: str, folder: Path) -> int:
    """Return the size of a backup in bytes."""
    stats = repository.restic("stats", snapshot, "--json", "--mode", "restore-size")
    size = int(json.loads(stats)["total_size"])
    free = shutil.disk_usage(folder).free
    if size > free:
        raise BackupError(
            f"the backup needs {size / 1e9:.1f} GB, but {folder} has only {free / 1e9:.1f} GB free."
            " Name another folder: -e backup_drill_folder=PATH"
        )
    return size


def _below(place: Path, path: Path) -> Path:
    """Return where a path of the machine is below the folder with the restored backup."""
    return place / path.relative_to("/")


def _require(place: Path, path: Path) -> Path:
    found = _below(place, path)
    if not found.exists():
        raise BackupError(f"the backup has no {path}")
    return found


def _require_intact(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        try:
            result = str(connection.execute("PRAGMA integrity_check").fetchone()[0])
        except sqlite3.DatabaseError as error:
            result = str(error)
    if result != "ok":
        name = f"{database.parent.name}/{database.name}"
        raise BackupError(f"in the backup the database {name} is damaged: {result}")
