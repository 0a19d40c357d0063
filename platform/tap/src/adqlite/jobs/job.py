"""One asynchronous query, as UWS 1.1 describes it."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime

PENDING, QUEUED, EXECUTING = "PENDING", "QUEUED", "EXECUTING"
COMPLETED, ERROR, ABORTED = "COMPLETED", "ERROR", "ABORTED"
ACTIVE = (QUEUED, EXECUTING)
FINAL = (COMPLETED, ERROR, ABORTED)


@dataclass(frozen=True)
class Job:
    """One job.

    Attributes
    ----------
    id : str
        Cannot be guessed; whoever knows it owns the job.
    phase : str
        As in UWS: PENDING, QUEUED, EXECUTING, COMPLETED, ERROR or ABORTED.
    parameters : dict of str
        Parameters of TAP, with names in upper case.
    duration : int
        Time limit of the query in seconds.
    mime : str or None
        Media type of the result.
    """

    id: str
    phase: str
    run_id: str | None
    parameters: dict[str, str]
    created: datetime
    started: datetime | None
    ended: datetime | None
    destruction: datetime
    duration: int
    error: str | None
    mime: str | None


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def job_of(row: sqlite3.Row) -> Job:
    """Returns the job in a row of the database."""
    created, destruction = _time(row["created"]), _time(row["destruction"])
    if created is None or destruction is None:  # NOT NULL in the database
        raise ValueError(row["id"])
    return Job(
        id=row["id"],
        phase=row["phase"],
        run_id=row["run_id"],
        parameters=json.loads(row["parameters"]),
        created=created,
        started=_time(row["started"]),
        ended=_time(row["ended"]),
        destruction=destruction,
        duration=row["duration"],
        error=row["error"],
        mime=row["mime"],
    )
