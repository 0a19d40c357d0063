"""A restic repository, which several machines may share."""

from __future__ import annotations

import fcntl
import json
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import tenacity

from km3host.backup.settings import BackupSettings
from km3host.errors import HostError
from km3host.events import report
from km3host.programs import Result, one_line, run

__all__ = ["BackupError", "Repository", "RepositoryLockedError", "Snapshot"]

TAG = "km3net"
#: Exit codes of restic since version 0.17; Debian 12 has 0.14, which says it in words only.
NO_REPOSITORY, LOCKED = 10, 11
REMOTE = re.compile("(azure|b2|gs|rclone|rest|s3|sftp|swift):")


class BackupError(HostError):
    """A backup or a restore failed."""


class RepositoryLockedError(BackupError):
    """Another machine has locked the repository."""


@dataclass(frozen=True)
class Snapshot:
    """One backup in the repository."""

    id: str
    short_id: str
    host: str
    time: datetime


class Repository:
    """The repository with the backups of this machine, and perhaps of others."""

    def __init__(self, settings: BackupSettings) -> None:
        self.settings = settings
        self.environment = settings.environment | {
            "RESTIC_REPOSITORY": settings.repository,
            "RESTIC_PASSWORD": settings.password,
            "RESTIC_CACHE_DIR": settings.cache_folder,
        }

    # -- running restic ------------------------------------------------------------------------

    def restic(self, *arguments: str) -> str:
        """Return the output of a restic command, waiting while another machine holds the lock.

        Raises
        ------
        RepositoryLockedError
            If the lock is held for longer than `wait_seconds`.
        BackupError
            If restic fails for another reason.
        """
        announced = False

        def before_next_try(state: tenacity.RetryCallState) -> None:
            nonlocal announced
            if not announced and state.outcome is not None:
                report(f"waiting for another machine: {state.outcome.exception()}")
            announced = True

        def try_again(state: tenacity.RetryCallState) -> None:
            # Removes the lock of a machine that is gone; restic keeps locks younger than 30 min.
            if state.attempt_number > 1:
                self.try_restic("unlock")

        pause = self.settings.pause_seconds
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(RepositoryLockedError),
            stop=tenacity.stop_after_delay(self.settings.wait_seconds),
            # Machines that wait for each other must not try at the same times.
            wait=tenacity.wait_random(0.5 * pause, 1.5 * pause),
            before=try_again,
            before_sleep=before_next_try,
            reraise=True,
        )
        return str(retrying(self._restic_once, *arguments))

    def try_restic(self, *arguments: str) -> Result:
        """Run restic once and return its exit code and output."""
        command = self.settings.sftp_command
        options = ["-o", f"sftp.command={command}"] if command else []
        return run("restic", *options, *arguments, environment=self.environment)

    def _restic_once(self, *arguments: str) -> str:
        done = self.try_restic(*arguments)
        if done.returncode == 0:
            return done.stdout
        message = f"restic {arguments[0]}: {one_line(done.stderr) or one_line(done.stdout)}"
        if done.returncode == LOCKED or "already locked" in done.stderr:
            raise RepositoryLockedError(message)
        raise BackupError(message)

    # -- creating it ---------------------------------------------------------------------------

    def exists(self) -> bool:
        """Return whether the repository has been created.

        Raises
        ------
        BackupError
            If it cannot be reached or the password is wrong.
        """
        done = self.try_restic("cat", "config")
        if done.returncode == NO_REPOSITORY or "Is there a repository" in done.stderr:
            return False
        if done.returncode:
            raise BackupError(f"restic: {one_line(done.stderr)}")
        return True

    def create(self) -> None:
        """Create the repository if it does not exist.

        Two machines must not do so at once: both would succeed and leave two keys, one of which
        opens nothing. In a folder a lock prevents that; elsewhere only `maker` creates it.
        """
        if self.exists():
            return
        if REMOTE.match(self.settings.repository):
            if self.settings.maker != self.settings.host:
                self._wait_for_maker()
            elif not self.exists():
                self.restic("init")
            return
        folder = Path(self.settings.repository.removeprefix("local:"))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Several machines may mount this folder.
        with (folder / ".making").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self.exists():
                self.restic("init")

    def _wait_for_maker(self) -> None:
        maker = self.settings.maker
        report(f"waiting until {maker} has created the repository", maker=maker)
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_result(lambda exists: not exists),
            stop=tenacity.stop_after_delay(self.settings.wait_seconds),
            wait=tenacity.wait_fixed(self.settings.pause_seconds),
        )
        try:
            retrying(self.exists)
        except tenacity.RetryError:
            raise BackupError(
                f"the repository {self.settings.repository} does not exist yet; {maker} creates it"
                f" with its first backup: run the playbook backup for {maker}"
            ) from None

    # -- what is in it -------------------------------------------------------------------------

    def snapshots(self) -> dict[str, list[Snapshot]]:
        """Return all backups by machine, the newest last."""
        entries: list[dict[str, Any]] = json.loads(self.restic("snapshots", "--json", "--tag", TAG))
        found: dict[str, list[Snapshot]] = {}
        for entry in entries or []:
            snapshot = Snapshot(
                entry["id"], entry["short_id"], entry["hostname"],
                datetime.fromisoformat(entry["time"]),
            )  # fmt: skip
            found.setdefault(snapshot.host, []).append(snapshot)
        for own in found.values():
            own.sort(key=lambda snapshot: snapshot.time)
        return found

    def others(self, snapshots: dict[str, list[Snapshot]]) -> list[str]:
        """Return one line for each other machine that has backups."""
        return [
            f"{name}: {len(own)} backups, the newest {own[-1].short_id} of"
            f" {own[-1].time:%Y-%m-%d %H:%M}"
            for name, own in sorted(snapshots.items())
            if name != self.settings.host
        ]

    def snapshot_id(self, snapshot: str) -> str:
        """Return the identifier of a backup; `latest` means this machine's newest.

        Raises
        ------
        BackupError
            If this machine has no backup.
        """
        if snapshot != "latest":
            return snapshot
        snapshots = self.snapshots()
        if self.settings.host in snapshots:
            return snapshots[self.settings.host][-1].id
        others = "; ".join(self.others(snapshots)) or "no other machine has one"
        raise BackupError(
            f"the repository has no backup of {self.settings.host} ({others}). To restore the"
            " backup of another machine: -e backup_snapshot=ID"
        )
