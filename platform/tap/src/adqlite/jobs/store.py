"""Asynchronous queries: jobs of UWS 1.1 in an SQLite file, run by threads of this process.

Jobs survive the process. Each process holds a lock on a file while it lives. If the lock of a
process is free, the next process to start queues its running jobs again.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import secrets
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

from adqlite.errors import Busy, NotFound, QueryAborted, VOError
from adqlite.jobs.job import (
    ABORTED,
    ACTIVE,
    COMPLETED,
    ERROR,
    EXECUTING,
    PENDING,
    QUEUED,
    Job,
    job_of,
)
from adqlite.limits import Limits

log = logging.getLogger(__name__)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, phase TEXT NOT NULL, run_id TEXT, parameters TEXT NOT NULL,
    created REAL NOT NULL, started REAL, ended REAL, destruction REAL NOT NULL,
    duration INTEGER NOT NULL, error TEXT, mime TEXT, worker TEXT, changed INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS jobs_by_phase ON jobs (phase, created);
"""


Run = Callable[[Job, Path, IO[bytes], Callable[[], bool]], str]


class JobStore:
    """The jobs below one folder.

    Parameters
    ----------
    folder : pathlib.Path
    limits : Limits
    run : callable
        Does the work of a job. It receives the job, its folder (with uploads), the file for the
        result and a function that tells whether to stop, and returns the media type of the result.
    """

    def __init__(self, folder: Path, limits: Limits, run: Run) -> None:
        self.folder = folder
        self.limits = limits
        self._run = run
        self._changed = threading.Condition()
        self._stopping = False
        self._threads: list[threading.Thread] = []
        self._running: dict[str, threading.Event] = {}
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / "workers").mkdir(exist_ok=True)
        with self._database() as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.executescript(_SCHEMA)
        self._worker = secrets.token_hex(8)
        self._lock = (folder / "workers" / self._worker).open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._recover()

    # Requests

    def create(self, parameters: Mapping[str, str], run_id: str | None = None) -> Job:
        """Creates a pending job.

        Raises
        ------
        Busy
            The maximum number of jobs has been reached.
        """
        self.sweep()
        now = time.time()
        job_id = secrets.token_urlsafe(15).replace("-", "x").replace("_", "y")
        with self._database() as database:
            count = database.execute("SELECT COUNT(*) FROM jobs").fetchone()[0]
            if count >= self.limits.jobs:
                raise Busy(
                    f"this service already keeps {self.limits.jobs} jobs, its maximum; delete "
                    "jobs that you no longer need, or try again later"
                )
            database.execute(
                "INSERT INTO jobs (id, phase, run_id, parameters, created, destruction, duration,"
                " changed) VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
                (
                    job_id,
                    PENDING,
                    run_id,
                    json.dumps(dict(parameters)),
                    now,
                    now + self.limits.job_days * 86400,
                    self.limits.async_seconds,
                ),
            )
        self.path(job_id).mkdir(mode=0o700)
        return self.get(job_id)

    def get(self, job_id: str) -> Job:
        """Returns a job.

        Raises
        ------
        NotFound
        """
        with self._database() as database:
            row = database.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
        if row is None:
            raise NotFound(
                f"there is no job {job_id[:40]!r}; jobs are deleted after "
                f"{self.limits.job_days:g} days"
            )
        return job_of(row)

    def phases(self) -> dict[str, int]:
        """Returns the number of jobs in each phase."""
        with self._database() as database:
            rows = database.execute("SELECT phase, COUNT(*) FROM jobs GROUP BY phase")
            return {str(phase): int(count) for phase, count in rows}

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
            self.work()
        return self.get(job_id)

    def abort(self, job_id: str) -> Job:
        """Stops a job if it has not ended."""
        self._update(
            job_id, {"phase": ABORTED, "ended": time.time()}, only=(PENDING, QUEUED, EXECUTING)
        )
        if job_id in self._running:
            self._running[job_id].set()
        return self.get(job_id)

    def delete(self, job_id: str) -> None:
        """Stops a job and deletes it with its files."""
        self.abort(job_id)
        with self._database() as database:
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
        """Deletes expired jobs and returns their number."""
        with self._database() as database:
            rows = database.execute(
                "SELECT id FROM jobs WHERE destruction < ?", (time.time(),)
            ).fetchall()
        for row in rows:
            with suppress(NotFound):
                self.delete(row["id"])
        return len(rows)

    # Execution

    def work(self) -> None:
        """Starts or wakes the threads that run queued jobs."""
        with self._changed:
            self._threads = [t for t in self._threads if t.is_alive()]
            while len(self._threads) < self.limits.parallel_jobs and not self._stopping:
                thread = threading.Thread(target=self._loop, name="vo-job", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._changed.notify_all()

    def close(self) -> None:
        """Stops the threads; running jobs are queued again."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for event in list(self._running.values()):
            event.set()
        for thread in self._threads:
            thread.join(timeout=10)
        with suppress(ValueError):
            self._lock.close()
        (self.folder / "workers" / self._worker).unlink(missing_ok=True)

    def _loop(self) -> None:
        while not self._stopping:
            try:
                job = self._claim()
                if job is not None:
                    self._execute(job)
                    continue
                self.sweep()
            except Exception:
                log.exception("jobs cannot be read or run")
            with self._changed:
                if not self._stopping:
                    self._changed.wait(2)

    def _claim(self) -> Job | None:
        with self._database() as database:
            row = database.execute(
                "UPDATE jobs SET phase = ?, worker = ?, started = ?, changed = changed + 1"
                " WHERE id = (SELECT id FROM jobs WHERE phase = ? ORDER BY created LIMIT 1)"
                " AND phase = ? RETURNING *",
                (EXECUTING, self._worker, time.time(), QUEUED, QUEUED),
            ).fetchone()
        if row is None:
            return None
        self._notify()
        return job_of(row)

    def _execute(self, job: Job) -> None:
        stop = threading.Event()
        self._running[job.id] = stop
        checked = time.monotonic()

        def stopped() -> bool:
            # Another process may have received the request to stop: only the database knows.
            nonlocal checked
            if time.monotonic() - checked > 1:
                checked = time.monotonic()
                try:
                    if self.get(job.id).phase != EXECUTING:
                        stop.set()
                except NotFound:
                    stop.set()
            return stop.is_set()

        partial = self.path(job.id) / "partial"
        end: dict[str, Any]
        try:
            with partial.open("wb") as out:
                mime = self._run(job, self.path(job.id), out, stopped)
            os.replace(partial, self.result(job.id))
            end = {"phase": COMPLETED, "mime": mime}
        except QueryAborted:
            end = {"phase": QUEUED, "worker": None} if self._stopping else {"phase": ABORTED}
        except VOError as error:
            end = {"phase": ERROR, "error": str(error)}
        except Exception:
            log.exception("job %s failed", job.id)
            end = {"phase": ERROR, "error": "the service failed; its log has the reason"}
        finally:
            partial.unlink(missing_ok=True)
            self._running.pop(job.id, None)
        self._update(
            job.id,
            {"ended": None if end["phase"] == QUEUED else time.time(), **end},
            only=(EXECUTING,),
        )

    def _recover(self) -> None:
        with self._database() as database:
            rows = database.execute(
                "SELECT DISTINCT worker FROM jobs WHERE phase = ?", (EXECUTING,)
            ).fetchall()
            for row in rows:
                if self._is_dead(row["worker"]):
                    database.execute(
                        "UPDATE jobs SET phase = ?, worker = NULL, started = NULL"
                        " WHERE phase = ? AND worker IS ?",
                        (QUEUED, EXECUTING, row["worker"]),
                    )
            waiting = database.execute(
                "SELECT COUNT(*) FROM jobs WHERE phase = ?", (QUEUED,)
            ).fetchone()[0]
        if waiting:
            self.work()

    def _is_dead(self, worker: str | None) -> bool:
        path = self.folder / "workers" / str(worker)
        if not path.exists():
            return True
        with path.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        path.unlink(missing_ok=True)
        return True

    # Database

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        database = sqlite3.connect(self.folder / "jobs.sqlite", timeout=30)
        database.row_factory = sqlite3.Row
        try:
            with database:
                yield database
        finally:
            database.close()

    def _update(
        self, job_id: str, values: Mapping[str, Any], only: tuple[str, ...] | None = None
    ) -> bool:
        """Changes a job if its phase is one of `only`; column names come from this module."""
        sets = ", ".join(f"{name} = ?" for name in values)
        marks = ", ".join("?" for _ in only or ())
        where = f" AND phase IN ({marks})" if only else ""
        with self._database() as database:
            cursor = database.execute(
                f"UPDATE jobs SET {sets}, changed = changed + 1 WHERE id = ?{where}",  # noqa: S608
                (*values.values(), job_id, *(only or ())),
            )
        self._notify()
        return cursor.rowcount > 0

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()
