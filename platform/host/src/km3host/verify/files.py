"""Checks of files: disk space, the age of the backup, secrets."""

from __future__ import annotations

import shutil
import stat
import time
from pathlib import Path

from km3host.verify.failure import CheckFailed
from km3host.verify.settings import VerifySettings

__all__ = ["backup", "disk", "secrets"]

LAST_BACKUP = Path("/var/lib/km3net/backup/done")
DOCKER = Path("/var/lib/docker")
BACKUP_SETTINGS = Path("/etc/km3net/backup.json")


def disk(settings: VerifySettings) -> str:
    """Disks have free space."""
    for folder in (Path("/"), DOCKER, Path(settings.folder)):
        usage = shutil.disk_usage(folder)
        free = 100 * usage.free / usage.total
        if free < settings.disk_percent:
            raise CheckFailed(
                f"the disk of {folder} has only {free:.0f}% free: docker image prune, journalctl"
                " --vacuum-size=500M, or a larger disk; docker system df -v shows the homes"
            )
    return "disks have free space"


def backup(settings: VerifySettings) -> str:
    """The last backup is recent."""
    if not settings.backup:
        return "backups are off"
    if not LAST_BACKUP.exists():
        raise CheckFailed("there is no backup yet: run the playbook backup")
    hours = (time.time() - LAST_BACKUP.stat().st_mtime) / 3600
    if hours > settings.backup_hours:
        raise CheckFailed(
            f"the last backup is {hours:.0f} hours old: see journalctl -u km3net-backup"
        )
    return f"the last backup is {hours:.0f} hours old"


def secrets(settings: VerifySettings) -> str:
    """Only their owners can read files with secrets."""
    folder = Path(settings.folder)
    files = [*folder.glob("secrets/*"), folder / "compose/.env"]
    files += [BACKUP_SETTINGS] if BACKUP_SETTINGS.exists() else []
    # The hub owns these; only root may enter their folder.
    owned_by_hub = list(Path(settings.state).glob("secret-*"))
    for path in files + owned_by_hub:
        found = path.stat()
        foreign = found.st_uid != 0 and path not in owned_by_hub
        if foreign or stat.S_IMODE(found.st_mode) & 0o077:
            raise CheckFailed(f"others can read {path}: chmod 600 {path}, and replace the secret")
    return "only root can read the secrets"
