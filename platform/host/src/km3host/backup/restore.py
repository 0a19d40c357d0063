"""Restoring one user's file, or a whole machine."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

from km3host.backup import volumes
from km3host.backup.repository import BackupError, Repository
from km3host.events import report
from km3host.programs import docker

__all__ = ["restore_file", "restore_settings", "restore_volumes"]


def restore_file(repository: Repository, snapshot: str, user: str, path: str) -> None:
    """Restore a user's file or folder to `restored/TIME` in the user's home.

    Parameters
    ----------
    repository
        Where the backups are.
    snapshot
        The identifier of a backup, or `latest`.
    user
        The user's name.
    path
        The file or folder, relative to the home.

    Raises
    ------
    BackupError
        If `path` is outside the home, the backup does not have it, or the home is in an image
        that is not mounted.
    """
    name = f"{repository.settings.project}-home-{user}"
    home = Path(json.loads(docker("volume", "inspect", name))[0]["Mountpoint"])
    _require_mounted([volumes.Volume(name, {}, home)], repository.settings.project)
    wanted = (home / path).resolve()
    if not wanted.is_relative_to(home) or wanted == home:
        raise BackupError(f"{path} is not below the home of {user}; give a path relative to it")
    snapshot = repository.snapshot_id(snapshot)
    place = home / "restored" / time.strftime("%Y-%m-%d-%H%M%S")
    place.mkdir(parents=True)
    unpacked = place / ".all"
    try:
        repository.restic("restore", snapshot, "--target", str(unpacked), "--include", str(wanted))
        found = unpacked / wanted.relative_to("/")
        if not found.exists():
            raise BackupError(
                f"the backup {snapshot[:8]} has no {path} of {user}; `km3net-backup list` shows"
                " others: -e backup_snapshot=ID"
            )
        found.rename(place / wanted.name)
    except BackupError:
        shutil.rmtree(place)
        raise
    shutil.rmtree(unpacked)
    owner = home.stat()
    for folder in (place.parent, place):
        os.chown(folder, owner.st_uid, owner.st_gid)
    report(f"restored to {(place / wanted.name).relative_to(home)}")


def restore_settings(repository: Repository, snapshot: str) -> None:
    """Restore settings and secrets, and create the volumes that `restore_volumes` fills."""
    settings = repository.settings
    paths = [f"--include={path}" for path in (settings.folder, settings.stage_folder)]
    repository.restic("restore", repository.snapshot_id(snapshot), "--target", "/", *paths)
    for entry in json.loads((settings.stage / "volumes.json").read_text()):
        volumes.create(entry["Name"], entry["Labels"])
    report("restored settings and secrets")


def restore_volumes(repository: Repository, snapshot: str) -> None:
    """Restore volumes and databases on a machine where the platform does not run.

    Raises
    ------
    BackupError
        If a container of the platform runs, or a home is in an image that is not mounted.
    """
    settings = repository.settings
    if docker("ps", "--quiet", "--filter", f"label=org.km3net.project={settings.project}"):
        raise BackupError("the platform is running; stop it first, then restore")
    present = volumes.find(settings.project)
    _require_mounted(present, settings.project)
    paths = [f"--include={volume.path}" for volume in present]
    repository.restic("restore", repository.snapshot_id(snapshot), "--target", "/", *paths)
    places = {volume.name: volume.path for volume in present}
    for copy in (settings.stage / "databases").glob("*/*"):
        _replace_database(places[copy.parent.name] / copy.name, copy)
    report(f"restored {len(present)} volumes")


def _require_mounted(present: list[volumes.Volume], project: str) -> None:
    missing = volumes.unmounted(present)
    if missing:
        raise BackupError(
            f"the files of {', '.join(missing)} are not mounted, and restored files would be"
            f" hidden; mount them first: docker start {project}-homes, or by hand: mount -o loop"
            " home.img _data in the folder of the volume"
        )


def _replace_database(target: Path, copy: Path) -> None:
    for end in volumes.SQLITE_COMPANIONS:
        Path(f"{target}{end}").unlink(missing_ok=True)
    shutil.copyfile(copy, target)
    owner = target.parent.stat()
    os.chown(target, owner.st_uid, owner.st_gid)
    target.chmod(0o600)
