"""The settings of a machine's backups."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["CONFIGURATION", "BackupSettings"]

CONFIGURATION = Path("/etc/km3net/backup.json")


@dataclass(frozen=True, kw_only=True)
class BackupSettings:
    """The contents of `/etc/km3net/backup.json`; the playbook writes those without a default."""

    #: The machine's name in the inventory; its backups carry it.
    host: str
    #: The machine that creates the repository, for machines that share one.
    maker: str
    #: The repository as restic names it.
    repository: str
    password: str
    #: The command by which restic reaches a repository by sftp; empty: restic's own.
    sftp_command: str
    #: Variables that the storage needs, such as AWS_ACCESS_KEY_ID.
    environment: dict[str, str]
    #: The platform's name; its Docker volumes carry it in a label.
    project: str
    #: The platform's folder, with settings and secrets.
    folder: str
    #: How many backups to keep by period: daily, weekly, monthly.
    keep: dict[str, int | str]
    #: Other settings to save; `backup.json` is among them.
    configuration_folder: str = str(CONFIGURATION.parent)
    #: Copies of databases and the list of volumes, which are saved too.
    stage_folder: str = "/var/lib/km3net/backup"
    cache_folder: str = "/var/cache/restic"
    #: How long to wait for another machine that uses the repository, and between tries, in seconds.
    wait_seconds: float = 3600
    pause_seconds: float = 10

    @property
    def stage(self) -> Path:
        """The folder with copies of databases and the list of volumes."""
        return Path(self.stage_folder)
