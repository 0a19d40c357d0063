"""The ledger: how long each user's servers ran and how much processor time they used, per day.

An SQLite file in the state folder, with its own schema; the hub writes it, `km3hub usage` reads it.
Servers report cumulative counters, and the ledger keeps the last one of each. So nothing is lost
while the hub is down: the next sample covers that time.
"""

from __future__ import annotations

import logging
import secrets
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

__all__ = ["Ledger", "LedgerError", "Run", "RunningServer", "Sample", "Used"]

log = logging.getLogger("jupyterhub.km3hub.usage")

#: Each entry upgrades the schema by one version; entries are only added.
SCHEMA = (
    """
    CREATE TABLE user_day (
      day TEXT NOT NULL, user TEXT NOT NULL, server_seconds REAL NOT NULL,
      cpu_seconds REAL NOT NULL, PRIMARY KEY (day, user)
    ) WITHOUT ROWID;
    -- Totals of days and months whose users were deleted.
    CREATE TABLE total (
      span TEXT PRIMARY KEY, users INTEGER NOT NULL, server_seconds REAL NOT NULL,
      cpu_seconds REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE server (
      user TEXT NOT NULL, name TEXT NOT NULL, identity TEXT NOT NULL, cpu_seconds REAL NOT NULL,
      seen REAL NOT NULL, load REAL NOT NULL DEFAULT 0, full_since REAL, kernel_busy REAL,
      used_up REAL, PRIMARY KEY (user, name)
    ) WITHOUT ROWID;
    CREATE TABLE home (user TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE home_day (day TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;
    """,
)
#: Seconds for which a server that was not seen again is remembered.
_REMEMBERED = 30 * 86400
#: Seconds that a program waits for another one that is writing.
_LOCK_SECONDS = 5


class LedgerError(Exception):
    """The ledger cannot be read or written; the message says why."""


@dataclass(frozen=True)
class Used:
    """Seconds of running servers and of processor time, and how many users had them."""

    server_seconds: float = 0.0
    cpu_seconds: float = 0.0
    users: int = 0


@dataclass(frozen=True)
class Run:
    """A time in which a user's server was running, in seconds since 1970."""

    user: str
    start: float
    end: float
    cpu_seconds: float


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The counters of a running server at one moment."""

    user: str
    name: str
    """The server's name; empty for a user's only one."""
    identity: str
    """Differs for each run of the server, whose counter starts from zero."""
    cpu_seconds: float
    """Processor time since the start of this run."""
    started: float
    """The start of this run, in seconds since 1970."""


@dataclass(frozen=True)
class RunningServer:
    """What is remembered of a running server. Times are in seconds since 1970."""

    user: str
    name: str
    identity: str
    cpu_seconds: float
    seen: float
    load: float = 0.0
    """Average number of busy cores in the last minutes."""
    full_since: float | None = None
    """Since when it uses all its cores while no kernel is busy."""
    kernel_busy: float | None = None
    """When it last reported a busy kernel."""
    used_up: float | None = None
    """Since when its user's quota is used up."""


class Ledger:
    """The ledger in one file.

    Parameters
    ----------
    path
        The SQLite file; created at first use, mode 0600.

    Raises
    ------
    LedgerError
        By every method, where the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            if not self.path.exists():
                self.path.touch(mode=0o600)
            with closing(sqlite3.connect(self.path, timeout=_LOCK_SECONDS)) as database:
                self._upgrade(database)
                with database:
                    yield database
        except (sqlite3.Error, OSError) as error:
            raise LedgerError(f"{self.path}: cannot be used: {error}") from error

    def _upgrade(self, database: sqlite3.Connection) -> None:
        if self._version(database) == len(SCHEMA):
            return
        # Another program may be upgrading it. An interrupted upgrade leaves the old schema.
        database.execute("BEGIN IMMEDIATE")
        with database:
            for number, change in enumerate(SCHEMA[self._version(database) :], 1):
                log.info("%s: upgrading the schema, step %d", self.path.name, number)
                for statement in filter(str.strip, change.split(";")):
                    database.execute(statement)
            database.execute(f"PRAGMA user_version = {len(SCHEMA)}")

    def _version(self, database: sqlite3.Connection) -> int:
        version = int(database.execute("PRAGMA user_version").fetchone()[0])
        if version > len(SCHEMA):
            raise LedgerError(
                f"{self.path}: was written by a later version of the platform (schema {version});"
                " usage is not counted until that version runs again"
            )
        return version

    def set_aside_if_broken(self) -> None:
        """Rename a file that is no database, so that counting starts again."""
        try:
            with closing(sqlite3.connect(self.path, timeout=_LOCK_SECONDS)) as database:
                database.execute("PRAGMA schema_version").fetchone()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                return  # busy, or the folder cannot be written
            log.error("%s is damaged (%s); counting starts again", self.path.name, error)
            self.path.replace(self.path.with_suffix(".broken"))

    # -- running servers ----------------------------------------------------------------------

    def running(self) -> dict[tuple[str, str], RunningServer]:
        """Returns the servers of the last sample by user and name."""
        with self._transaction() as database:
            rows = database.execute(
                "SELECT user, name, identity, cpu_seconds, seen, load, full_since, kernel_busy,"
                " used_up FROM server"
            ).fetchall()
        return {(row[0], row[1]): RunningServer(*row) for row in rows}

    def record(self, runs: Iterable[Run], servers: Iterable[RunningServer], now: float) -> None:
        """Add runs, and remember these servers, in one transaction.

        A server that is not among them is remembered for a while: a hub that has just started
        does not know all of them yet.
        """
        with self._transaction() as database:
            for run in runs:
                _add(database, run)
            database.executemany(
                "INSERT INTO server VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
                # What a server reported in the meantime stays.
                " ON CONFLICT DO UPDATE SET identity = excluded.identity, cpu_seconds ="
                " excluded.cpu_seconds, seen = excluded.seen, load = excluded.load, full_since ="
                " excluded.full_since, used_up = excluded.used_up",
                [astuple(server) for server in servers],
            )
            database.execute("DELETE FROM server WHERE seen < ?", (now - _REMEMBERED,))

    def set_used_up(self, user: str, name: str, when: float | None) -> None:
        """Record since when the quota of a running server's user is used up; None: it is not."""
        with self._transaction() as database:
            database.execute(
                "UPDATE server SET used_up = ? WHERE user = ? AND name = ?", (when, user, name)
            )

    def report_busy(self, user: str, when: float) -> None:
        """Record that a kernel of a user's running server is busy."""
        with self._transaction() as database:
            database.execute("UPDATE server SET kernel_busy = ? WHERE user = ?", (when, user))

    # -- what was used ------------------------------------------------------------------------

    def add(self, run: Run) -> None:
        """Add a run of a server."""
        with self._transaction() as database:
            _add(database, run)

    def used(self, users: Collection[str], first: date) -> Used:
        """Returns what these users used since the day `first`."""
        with self._transaction() as database:
            rows = database.execute(
                "SELECT user, sum(server_seconds), sum(cpu_seconds) FROM user_day WHERE day >= ?"
                " GROUP BY user",
                (first.isoformat(),),
            ).fetchall()
        mine = [row for row in rows if row[0] in set(users)]
        return Used(sum(row[1] for row in mine), sum(row[2] for row in mine), len(mine))

    def total(self, span: str) -> Used:
        """Returns the total of a day (`2026-11-30`) or a month (`2026-11`)."""
        with self._transaction() as database:
            row = (
                database.execute(
                    "SELECT server_seconds, cpu_seconds, users FROM total WHERE span = ?", (span,)
                ).fetchone()
                or database.execute(
                    "SELECT coalesce(sum(server_seconds), 0), coalesce(sum(cpu_seconds), 0),"
                    " count(DISTINCT user) FROM user_day WHERE day LIKE ?",
                    (f"{span}%",),
                ).fetchone()
            )
        return Used(*row)

    def days(self, month: str) -> list[str]:
        """Returns the days of a month in which a server ran."""
        with self._transaction() as database:
            rows = database.execute(
                "SELECT day FROM user_day WHERE day LIKE ?1 UNION"
                " SELECT span FROM total WHERE span LIKE ?1 AND length(span) = 10 ORDER BY 1",
                (f"{month}-%",),
            ).fetchall()
        return [row[0] for row in rows]

    def per_user(self, month: str) -> dict[str, Used]:
        """Returns what each user used in a month; empty once these records were deleted."""
        with self._transaction() as database:
            rows = database.execute(
                "SELECT user, sum(server_seconds), sum(cpu_seconds) FROM user_day"
                " WHERE day LIKE ? GROUP BY user ORDER BY user",
                (f"{month}-%",),
            ).fetchall()
        return {user: Used(server, cpu, 1) for user, server, cpu in rows}

    def entries(self, user: str) -> list[tuple[str, float, float]]:
        """Returns day, server seconds and CPU seconds of one user."""
        with self._transaction() as database:
            return database.execute(
                "SELECT day, server_seconds, cpu_seconds FROM user_day WHERE user = ? ORDER BY day",
                (user,),
            ).fetchall()

    # -- homes --------------------------------------------------------------------------------

    def measure_homes(self, sizes: Mapping[str, int], day: date) -> None:
        """Record the size of every home, in bytes, measured on a day."""
        with self._transaction() as database:
            database.execute("DELETE FROM home")
            database.executemany("INSERT INTO home VALUES (?, ?)", list(sizes.items()))
            database.execute(
                "INSERT INTO home_day VALUES (?, ?) ON CONFLICT DO UPDATE SET"
                " bytes = excluded.bytes",
                (day.isoformat(), sum(sizes.values())),
            )

    def homes_bytes(self, month: str) -> int | None:
        """Returns the size of all homes at the last measurement in a month; None: not measured."""
        with self._transaction() as database:
            row = database.execute(
                "SELECT bytes FROM home_day WHERE day LIKE ? ORDER BY day DESC LIMIT 1",
                (f"{month}-%",),
            ).fetchone()
        return None if row is None else int(row[0])

    def home_bytes(self, user: str) -> int | None:
        """Returns the size of a user's home at the last measurement; None: not measured."""
        with self._transaction() as database:
            row = database.execute("SELECT bytes FROM home WHERE user = ?", (user,)).fetchone()
        return None if row is None else int(row[0])

    # -- deletion -----------------------------------------------------------------------------

    def close_months_before(self, first: date) -> None:
        """Delete the users' records of all months before that of `first`; keep the totals."""
        before = f"{first:%Y-%m}-01"
        with self._transaction() as database:
            for length in (10, 7):
                database.execute(
                    "INSERT OR IGNORE INTO total SELECT substr(day, 1, ?1), count(DISTINCT user),"
                    " sum(server_seconds), sum(cpu_seconds) FROM user_day WHERE day < ?2"
                    " GROUP BY substr(day, 1, ?1)",
                    (length, before),
                )
            database.execute("DELETE FROM user_day WHERE day < ?", (before,))

    def erase(self, user: str) -> None:
        """Delete every record of a user; the totals keep what was used, without the name."""
        with self._transaction() as database:
            # Deleted content is overwritten.
            database.execute("PRAGMA secure_delete = ON")
            database.execute("DELETE FROM server WHERE user = ?", (user,))
            database.execute("DELETE FROM home WHERE user = ?", (user,))
            anonymous = f"(erased {secrets.token_hex(4)})"
            database.execute("UPDATE user_day SET user = ? WHERE user = ?", (anonymous, user))


def _add(database: sqlite3.Connection, run: Run) -> None:
    for day, seconds in _days(run.start, run.end):
        share = seconds / (run.end - run.start)
        database.execute(
            "INSERT INTO user_day VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " server_seconds = server_seconds + excluded.server_seconds,"
            " cpu_seconds = cpu_seconds + excluded.cpu_seconds",
            (day, run.user, seconds, run.cpu_seconds * share),
        )


def _days(start: float, end: float) -> Iterator[tuple[str, float]]:
    """Yields the days between two moments with the seconds of each."""
    while start < end:
        today = datetime.fromtimestamp(start, UTC)
        midnight = today.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        until = min(end, midnight.timestamp())
        yield f"{today:%Y-%m-%d}", until - start
        start = until
