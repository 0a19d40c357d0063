"""How many jobs, and how many bytes, a client and all clients together may keep."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from adqlite.disk import as_storage_full, spare
from adqlite.errors import Busy, StorageFull
from adqlite.jobs.database import JobDatabase
from adqlite.limits import Limits

_STEP = 8_000_000  # bytes that a result is granted at once


class Quota:
    """Counts what jobs keep.

    Parameters
    ----------
    database : JobDatabase
    folder : pathlib.Path
        With the files of jobs.
    limits : Limits
    """

    def __init__(self, database: JobDatabase, folder: Path, limits: Limits) -> None:
        self._database = database
        self._folder = folder
        self._limits = limits

    def check_number(self, connection: sqlite3.Connection, client: str) -> None:
        """Refuses one more job of a client.

        Raises
        ------
        Busy
            The client, or all clients, have the maximum number of jobs.
        """
        row = connection.execute(
            "SELECT COUNT(*) AS all_jobs, SUM(client = ?) AS own FROM jobs", (client,)
        ).fetchone()
        if (row["own"] or 0) >= self._limits.client_jobs:
            raise Busy(
                f"this service already keeps {row['own']} jobs of yours, the maximum for one "
                "client; delete jobs that you no longer need"
            )
        if row["all_jobs"] >= self._limits.jobs:
            raise Busy(
                f"this service already keeps {self._limits.jobs} jobs, its maximum; delete "
                "jobs that you no longer need, or try again later"
            )

    def grant(self, job_id: str, size: int, wanted: int = 0) -> int:
        """Adds bytes to what a job keeps, and returns how many.

        Parameters
        ----------
        job_id : str
        size : int
            Bytes that are needed.
        wanted : int
            Bytes that may be needed next; as many of them are granted as there is room for.

        Raises
        ------
        StorageFull
            The job's client, all clients or the disk would exceed their maximum.
        """
        limits = self._limits
        free = spare(self._folder, limits.free_bytes)
        if size > free:
            raise StorageFull(
                "the disk of this service has too little free space for another result or upload; "
                "use a synchronous query, or try again later"
            )
        with as_storage_full(self._folder), self._database() as connection:
            connection.execute("BEGIN IMMEDIATE")
            row = connection.execute(
                "SELECT SUM(bytes) AS total, SUM(bytes * (client ="
                " (SELECT client FROM jobs WHERE id = ?))) AS own FROM jobs",
                (job_id,),
            ).fetchone()
            own, total = row["own"] or 0, row["total"] or 0
            if own + size > limits.client_stored_bytes:
                raise StorageFull(
                    f"your jobs already keep {_mb(own)} of results and uploads, and "
                    f"{_mb(limits.client_stored_bytes)} is the maximum for one client; delete "
                    f"jobs that you no longer need, or select less{self._next_end(connection)}"
                )
            if total + size > limits.stored_bytes:
                raise StorageFull(
                    f"the jobs of all clients keep {_mb(total)} of results and uploads, and "
                    f"{_mb(limits.stored_bytes)} is the maximum of this service; use a "
                    f"synchronous query, or try again later{self._next_end(connection)}"
                )
            room = min(free, limits.client_stored_bytes - own, limits.stored_bytes - total)
            granted = max(size, min(wanted, room))
            connection.execute("UPDATE jobs SET bytes = bytes + ? WHERE id = ?", (granted, job_id))
        return granted

    def settle(self, job_id: str, folder: Path) -> None:
        """Replaces what a job was granted by what its files really take."""
        size = sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
        self._database.update(job_id, {"bytes": size})

    @staticmethod
    def _next_end(connection: sqlite3.Connection) -> str:
        query = "SELECT MIN(destruction) AS next FROM jobs WHERE bytes > 0"
        moment = connection.execute(query).fetchone()["next"]
        if moment is None:
            return ""
        when = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return f"; the next job is deleted at {when}"


class Granted:
    """A file to which a job writes its result, within the quota."""

    def __init__(self, out: IO[bytes], quota: Quota, job_id: str, folder: Path) -> None:
        self._out = out
        self._quota = quota
        self._job_id = job_id
        self._folder = folder
        self._left = 0

    def write(self, data: bytes) -> int:
        """Writes, after the quota has granted the space."""
        missing = len(data) - self._left
        if missing > 0:
            self._left += self._quota.grant(self._job_id, missing, _STEP)
        self._left -= len(data)
        with as_storage_full(self._folder):
            return self._out.write(data)


def _mb(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
