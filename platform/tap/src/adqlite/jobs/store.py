"""Asynchronous queries: jobs of UWS 1.1 in an SQLite file, run by threads of this process.

Jobs survive the process. Each process holds a lock on a file while it lives. If the lock of a
process is free, the next process to start queues its running jobs again.
"""

from __future__ import annotations

import json
import logging
import secrets
import shutil
import sqlite3
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from adqlite.disk import MESSAGE, as_storage_full, is_full
from adqlite.errors import NotFound, StorageFull, VOError
from adqlite.jobs.database import JobDatabase
from adqlite.jobs.job import ABORTED, ACTIVE, EXECUTING, PENDING, QUEUED, Job, job_of
from adqlite.jobs.quota import Quota
from adqlite.jobs.runner import Run, Runner
from adqlite.limits import Limits

log = logging.getLogger(__name__)

_ORPHAN_SECONDS = 600  # age from which a folder without a job counts as left behind


class JobStore:
    """The jobs below one folder.

    On a disk that is full from the start, jobs are not available (`StorageFull`) until there is
    space.

    Parameters
    ----------
    folder : pathlib.Path
    limits : Limits
    run : callable
        Does the work of a job (:data:`adqlite.jobs.runner.Run`).
    """

    def __init__(self, folder: Path, limits: Limits, run: Run) -> None:
        self.folder = folder
        self.limits = limits
        self._run = run
        self._changed = threading.Condition()
        self._opening = threading.Lock()
        self._opened: tuple[JobDatabase, Quota, Runner] | None = None
        self._closed = False
        with suppress(StorageFull):
            self._open()

    def _open(self) -> tuple[JobDatabase, Quota, Runner]:
        with self._opening:
            if self._opened is None:
                try:
                    self._opened = self._prepared()
                except (OSError, sqlite3.Error) as error:
                    if not is_full(error, self._existing_folder()):
                        raise
                    log.warning("no jobs, since the disk is full: %s", error)
                    raise StorageFull(MESSAGE) from error
            return self._opened

    def _existing_folder(self) -> Path:
        return next(path for path in (self.folder, *self.folder.parents) if path.exists())

    def _prepared(self) -> tuple[JobDatabase, Quota, Runner]:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        database = JobDatabase(self.folder / "jobs.sqlite")
        try:
            quota = Quota(database, self.folder, self.limits)
            runner = Runner(
                self.folder,
                database,
                quota,
                self.limits,
                self._run,
                sweep=self.sweep,
                changed=self._changed,
            )
            runner.recover()
            with database() as connection:
                kept = connection.execute("SELECT COUNT(*) FROM jobs").fetchone()[0]
        except BaseException:
            database.close()
            raise
        if kept:
            runner.work()  # to run what is queued, and to delete what expires
        return database, quota, runner

    @property
    def _database(self) -> JobDatabase:
        return self._open()[0]

    @property
    def _quota(self) -> Quota:
        return self._open()[1]

    @property
    def _runner(self) -> Runner:
        return self._open()[2]

    # Requests

    def create(
        self, parameters: Mapping[str, str], run_id: str | None = None, *, client: str = ""
    ) -> Job:
        """Creates a pending job.

        Parameters
        ----------
        parameters : mapping of str to str
        run_id : str, optional
        client : str
            Whose job it is (:func:`adqlite.clients.client_of`).

        Raises
        ------
        Busy
            The client, or all clients, have the maximum number of jobs.
        StorageFull
            The disk is full.
        """
        now = time.time()
        self._delete_expired(now)
        job_id = secrets.token_urlsafe(15).replace("-", "x").replace("_", "y")
        owner = self._database.client_hash(client)
        with as_storage_full(self.folder), self._database() as database:
            database.execute("BEGIN IMMEDIATE")
            self._quota.check_number(database, owner)
            self.path(job_id).mkdir(mode=0o700)
            database.execute(
                "INSERT INTO jobs (id, phase, run_id, parameters, created, destruction, duration,"
                " changed, client) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?)",
                (
                    job_id,
                    PENDING,
                    run_id,
                    json.dumps(dict(parameters)),
                    now,
                    now + self.limits.job_days * 86400,
                    self.limits.async_seconds,
                    owner,
                ),
            )
        self._runner.work()
        return self.get(job_id)

    def keep(self, job_id: str, name: str, content: bytes) -> None:
        """Stores a file with a job.

        Raises
        ------
        StorageFull
            The quota of the client or of the service is used up, or the disk is full.
        """
        self._quota.grant(job_id, len(content))
        with as_storage_full(self.folder):
            (self.path(job_id) / name).write_bytes(content)

    def get(self, job_id: str) -> Job:
        """Returns a job.

        Raises
        ------
        NotFound
        """
        with as_storage_full(self.folder), self._database() as database:
            row = database.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
        if row is None:
            raise NotFound(
                f"there is no job {job_id[:40]!r}; jobs are deleted after "
                f"{self.limits.job_days:g} days, and after {self.limits.pending_minutes:g} minutes "
                "if they are not started"
            )
        job = job_of(row)
        if job.phase != PENDING:
            return job
        # A job that nobody starts is deleted sooner than one whose result may be needed.
        latest = job.created + timedelta(minutes=self.limits.pending_minutes)
        return replace(job, destruction=min(job.destruction, latest))

    def phases(self) -> dict[str, int]:
        """Returns the number of jobs in each phase."""
        with as_storage_full(self.folder), self._database() as database:
            rows = database.execute("SELECT phase, COUNT(*) FROM jobs GROUP BY phase")
            return {str(phase): int(count) for phase, count in rows}

    def stored_bytes(self) -> int:
        """Returns how much all results and uploads take."""
        with as_storage_full(self.folder), self._database() as database:
            return int(database.execute("SELECT COALESCE(SUM(bytes), 0) FROM jobs").fetchone()[0])

    def path(self, job_id: str) -> Path:
        """Returns the folder of a job's files."""
        return self.folder / f"job-{job_id}"

    def result(self, job_id: str) -> Path:
        """Returns the file with a job's result."""
        return self.path(job_id) / "result"

    def set_parameters(self, job_id: str, parameters: Mapping[str, str]) -> Job:
        """Changes parameters of a pending job.

        Raises
        ------
        VOError
            The job is no longer pending.
        """
        job = self.get(job_id)
        changed = self._update(
            job_id, {"parameters": json.dumps({**job.parameters, **parameters})}, only=(PENDING,)
        )
        if not changed:
            raise VOError(f"the job is {self.get(job_id).phase}; its parameters cannot be changed")
        return self.get(job_id)

    def set_destruction(self, job_id: str, when: datetime) -> Job:
        """Changes when a job is deleted, up to the limit of the service."""
        job = self.get(job_id)
        latest = job.created + timedelta(days=self.limits.job_days)
        self._update(job_id, {"destruction": min(when, latest).timestamp()})
        return self.get(job_id)

    def set_duration(self, job_id: str, seconds: int) -> Job:
        """Changes the time limit of a job, up to that of the service."""
        allowed = self.limits.async_seconds
        self._update(job_id, {"duration": min(seconds, allowed) if seconds > 0 else allowed})
        return self.get(job_id)

    def start(self, job_id: str) -> Job:
        """Queues a job if it is pending."""
        if self._update(job_id, {"phase": QUEUED}, only=(PENDING,)):
            self._runner.work()
        return self.get(job_id)

    def abort(self, job_id: str) -> Job:
        """Stops a job if it has not ended."""
        self._update(
            job_id, {"phase": ABORTED, "ended": time.time()}, only=(PENDING, QUEUED, EXECUTING)
        )
        self._runner.stop(job_id)
        return self.get(job_id)

    def delete(self, job_id: str) -> None:
        """Stops a job and deletes it with its files."""
        # Files first: on a full disk this makes the space that the database needs.
        self._runner.stop(job_id)
        shutil.rmtree(self.path(job_id), ignore_errors=True)
        with as_storage_full(self.folder), self._database() as database:
            database.execute("DELETE FROM jobs WHERE id = ?", (job_id,))
        shutil.rmtree(self.path(job_id), ignore_errors=True)
        with self._changed:
            self._changed.notify_all()

    def wait(self, job_id: str, seconds: float, phase: str | None = None) -> Job:
        """Returns a job once its phase has changed, or after `seconds`."""
        deadline = time.monotonic() + seconds
        job = self.get(job_id)
        first = phase or job.phase
        while job.phase == first and job.phase in (PENDING, *ACTIVE):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            with self._changed:
                # Another process may run the job, so check again in any case.
                self._changed.wait(min(left, 0.5))
            job = self.get(job_id)
        return job

    def sweep(self) -> int:
        """Deletes expired jobs and files without a job; returns the number of expired jobs."""
        now = time.time()
        self._delete_orphans(now)
        return self._delete_expired(now)

    def _delete_expired(self, now: float) -> int:
        with as_storage_full(self.folder), self._database() as database:
            rows = database.execute(
                "SELECT id FROM jobs WHERE destruction < ? OR (phase = ? AND created < ?)",
                (now, PENDING, now - self.limits.pending_minutes * 60),
            ).fetchall()
        for row in rows:
            with suppress(NotFound):
                self.delete(row["id"])
        return len(rows)

    def _delete_orphans(self, now: float) -> None:
        """Deletes folders whose job is gone, since the process ended between the two deletions."""
        old = []
        for path in self.folder.glob("job-*"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < now - _ORPHAN_SECONDS:
                    old.append(path)
        if not old:
            return
        with self._database() as database:
            known = {row["id"] for row in database.execute("SELECT id FROM jobs")}
        for path in old:
            if path.name.removeprefix("job-") not in known:
                shutil.rmtree(path, ignore_errors=True)

    def work(self) -> None:
        """Starts or wakes the threads that run queued jobs."""
        self._runner.work()

    def close(self) -> None:
        """Stops the threads; running jobs are queued again."""
        with self._opening:
            opened, self._closed = None if self._closed else self._opened, True
        if opened is not None:  # without the lock, which the threads may need to end
            database, _, runner = opened
            runner.close()
            database.close()

    def _update(
        self, job_id: str, values: Mapping[str, Any], only: tuple[str, ...] | None = None
    ) -> bool:
        with as_storage_full(self.folder):
            changed = self._database.update(job_id, values, only)
        with self._changed:
            self._changed.notify_all()
        return changed
