"""Runs queued jobs in threads of this process, clients in turn."""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, Any

from adqlite.disk import as_storage_full
from adqlite.errors import QueryAborted, VOError
from adqlite.jobs.database import JobDatabase
from adqlite.jobs.job import ABORTED, COMPLETED, ERROR, EXECUTING, QUEUED, Job, job_of
from adqlite.jobs.quota import Granted, Quota
from adqlite.limits import Limits

log = logging.getLogger(__name__)

#: Does the work of a job: receives the job, its folder (with uploads), the file for the result and
#: a function that tells whether to stop, and returns the media type of the result.
Run = Callable[[Job, Path, IO[bytes], Callable[[], bool]], str]

_PAUSE = 2.0  # seconds between two looks at the queue

# The client that runs the fewest jobs is next; among equals, the one that waits longest since its
# last start. While all threads are busy, one more runs a job of a client that has none running, so
# that nobody waits until the jobs of another client have ended.
_CLAIM = """
UPDATE jobs SET phase = :executing, worker = :worker, started = :now, changed = changed + 1,
    attempts = attempts + 1
WHERE phase = :queued AND id = (SELECT id FROM jobs AS waiting WHERE phase = :queued AND (
    NOT :guest OR (
        NOT EXISTS (SELECT 1 FROM jobs WHERE client = waiting.client AND phase = :executing)
        AND (SELECT COUNT(*) FROM jobs WHERE phase = :executing AND worker = :worker) >= :width))
ORDER BY
    (SELECT COUNT(*) FROM jobs WHERE client = waiting.client AND phase = :executing),
    (SELECT COALESCE(MAX(started), 0) FROM jobs WHERE client = waiting.client),
    created
LIMIT 1) RETURNING *
"""


class Runner:
    """The threads of this process that run jobs.

    Parameters
    ----------
    folder : pathlib.Path
        With the files of jobs, one folder per job.
    database : JobDatabase
    quota : Quota
    limits : Limits
    run : callable
    sweep : callable
        Called when there is nothing else to do.
    changed : threading.Condition
        Notified when a job has changed.
    """

    def __init__(
        self,
        folder: Path,
        database: JobDatabase,
        quota: Quota,
        limits: Limits,
        run: Run,
        *,
        sweep: Callable[[], object],
        changed: threading.Condition,
    ) -> None:
        self.folder = folder
        self._database = database
        self._quota = quota
        self._limits = limits
        self._run = run
        self._sweep = sweep
        self._changed = changed
        self._stopping = False
        self._troubled = False
        self._swept = 0.0
        self._calls = 0
        #: By number; the last one serves guests only.
        self._threads: dict[int, threading.Thread] = {}
        self._running: dict[str, threading.Event] = {}
        #: Ends of jobs that could not be stored, since the disk was full.
        self._unstored: dict[str, dict[str, Any]] = {}
        (folder / "workers").mkdir(exist_ok=True)
        self._worker = secrets.token_hex(8)
        self._lock = (folder / "workers" / self._worker).open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def work(self) -> None:
        """Starts or wakes the threads."""
        with self._changed:
            for number in range(self._limits.parallel_jobs + 1):
                known = self._threads.get(number)
                if self._stopping or (known is not None and known.is_alive()):
                    continue
                guest = number == self._limits.parallel_jobs
                thread = threading.Thread(
                    target=self._loop, args=(guest,), name="vo-job", daemon=True
                )
                self._threads[number] = thread
                thread.start()
            self._calls += 1
            self._changed.notify_all()

    def stop(self, job_id: str) -> None:
        """Stops a job that this process runs; the database has its new phase already."""
        if event := self._running.get(job_id):
            event.set()

    def recover(self) -> None:
        """Queues jobs again that a process left behind when it ended.

        A job that was started `job_attempts` times may be what ends the process, so it fails.
        """
        with self._database() as database:
            rows = database.execute(
                "SELECT DISTINCT worker FROM jobs WHERE phase = ?", (EXECUTING,)
            ).fetchall()
            for worker in [row["worker"] for row in rows if self._is_dead(row["worker"])]:
                where = "WHERE phase = ? AND worker IS ? AND attempts"
                database.execute(
                    f"UPDATE jobs SET phase = ?, error = ?, ended = ?, worker = NULL {where} >= ?",  # noqa: S608
                    (
                        ERROR,
                        f"the service ended {self._limits.job_attempts} times while it ran this "
                        "job; change the query, for example so that it selects less",
                        time.time(),
                        EXECUTING,
                        worker,
                        self._limits.job_attempts,
                    ),
                )
                database.execute(
                    f"UPDATE jobs SET phase = ?, worker = NULL, started = NULL {where} < ?",  # noqa: S608
                    (QUEUED, EXECUTING, worker, self._limits.job_attempts),
                )
        for path in (self.folder / "workers").iterdir():
            if path.name != self._worker:
                self._is_dead(path.name)

    def close(self) -> None:
        """Stops the threads; running jobs are queued again."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for event in list(self._running.values()):
            event.set()
        for thread in self._threads.values():
            thread.join(timeout=10)
        with suppress(ValueError):
            self._lock.close()
        (self.folder / "workers" / self._worker).unlink(missing_ok=True)

    def _loop(self, guest: bool) -> None:
        while not self._stopping:
            seen = self._calls
            try:
                self._store_ends()
                job = self._claim(guest)
                if job is not None:
                    self._execute(job)
                    continue
                if time.monotonic() - self._swept > _PAUSE:
                    self._swept = time.monotonic()
                    self._sweep()
                self._troubled = False
            except Exception:
                # Once, not every other second for as long as the disk is full.
                if not self._troubled:
                    log.exception("jobs cannot be read or run")
                self._troubled = True
            with self._changed:
                # A job may have been queued after the look at the queue.
                self._changed.wait_for(partial(self._is_called, seen), _PAUSE)

    def _is_called(self, seen: int) -> bool:
        return self._stopping or self._calls != seen

    def _claim(self, guest: bool) -> Job | None:
        values = {
            "executing": EXECUTING,
            "queued": QUEUED,
            "worker": self._worker,
            "now": time.time(),
            "guest": guest,
            "width": self._limits.parallel_jobs,
        }
        with self._database() as database:
            row = database.execute(_CLAIM, values).fetchone()
        if row is None:
            return None
        self._notify()
        return job_of(row)

    def _execute(self, job: Job) -> None:
        stop = threading.Event()
        self._running[job.id] = stop
        folder = self.folder / f"job-{job.id}"
        partial = folder / "partial"
        end: dict[str, Any]
        try:
            partial.unlink(missing_ok=True)  # of an earlier attempt
            self._quota.settle(job.id, folder)
            with as_storage_full(folder), partial.open("wb") as file:
                out = Granted(file, self._quota, job.id, folder)
                mime = self._run(job, folder, out, self._stopped(job.id, stop))  # type: ignore[arg-type]
            os.replace(partial, folder / "result")
            end = {"phase": COMPLETED, "mime": mime}
        except QueryAborted:
            end = {"phase": ABORTED}
            if self._stopping:
                # Not the job's fault, so it does not count as an attempt.
                end = {"phase": QUEUED, "worker": None, "attempts": 0}
        except VOError as error:
            end = {"phase": ERROR, "error": str(error)}
        except FileNotFoundError:  # deleted while it ran
            end = {"phase": ABORTED}
        except Exception:
            log.exception("job %s failed", job.id)
            end = {"phase": ERROR, "error": "the service failed; its log has the reason"}
        finally:
            partial.unlink(missing_ok=True)
            self._running.pop(job.id, None)
        end = {"ended": None if end["phase"] == QUEUED else time.time(), **end}
        self._unstored[job.id] = end
        self._store_ends()

    def _store_ends(self) -> None:
        """Stores how jobs ended; those that cannot be stored are tried again later."""
        for job_id, end in list(self._unstored.items()):
            self._database.update(job_id, end, only=(EXECUTING,))
            with suppress(FileNotFoundError):  # deleted meanwhile
                self._quota.settle(job_id, self.folder / f"job-{job_id}")
            self._unstored.pop(job_id, None)
            self._notify()

    def _stopped(self, job_id: str, stop: threading.Event) -> Callable[[], bool]:
        checked = time.monotonic()

        def stopped() -> bool:
            # Another process may have received the request to stop: only the database knows.
            nonlocal checked
            if time.monotonic() - checked > 1:
                checked = time.monotonic()
                with suppress(sqlite3.Error):
                    if self._phase(job_id) != EXECUTING:
                        stop.set()
            return stop.is_set()

        return stopped

    def _phase(self, job_id: str) -> str | None:
        with self._database() as database:
            row = database.execute("SELECT phase FROM jobs WHERE id = ?", (job_id,)).fetchone()
        return None if row is None else str(row["phase"])

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

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()
