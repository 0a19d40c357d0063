"""The file of workshops: an SQLite file in the state folder, with its own schema.

The command line writes it, and the running hub reads it at each login and start of a server.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from km3hub.membership.names import WorkshopError
from km3hub.membership.record import Invitation, Member, State, Workshop

__all__ = ["Transaction", "WorkshopStore"]

#: Each entry upgrades the schema by one version; entries are only added.
SCHEMA = (
    """
    CREATE TABLE workshop (
      name TEXT PRIMARY KEY, created TEXT NOT NULL, until TEXT NOT NULL,
      environment TEXT NOT NULL, size TEXT NOT NULL, state TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE member (
      workshop TEXT NOT NULL REFERENCES workshop (name), account TEXT NOT NULL,
      role TEXT NOT NULL, key TEXT NOT NULL, name TEXT NOT NULL, email TEXT NOT NULL,
      guest INTEGER NOT NULL, PRIMARY KEY (workshop, account)
    ) WITHOUT ROWID;
    CREATE INDEX member_account ON member (account);
    CREATE TABLE invitation (
      workshop TEXT NOT NULL REFERENCES workshop (name), kind TEXT NOT NULL,
      value TEXT NOT NULL, role TEXT NOT NULL, name TEXT NOT NULL,
      PRIMARY KEY (workshop, kind, value)
    ) WITHOUT ROWID;
    -- One-time login links; `digest` is the SHA-256 of the secret.
    CREATE TABLE link (
      digest TEXT PRIMARY KEY, workshop TEXT NOT NULL, account TEXT NOT NULL,
      created TEXT NOT NULL, expires TEXT NOT NULL, used TEXT
    ) WITHOUT ROWID;
    -- The archive of a home; `digest` is the SHA-256 of the secret in the download link, if there
    -- is one.
    CREATE TABLE archive (
      workshop TEXT NOT NULL REFERENCES workshop (name), account TEXT NOT NULL,
      home TEXT NOT NULL, step TEXT NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,
      digest TEXT, expires TEXT, downloads INTEGER NOT NULL, PRIMARY KEY (workshop, account)
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX archive_digest ON archive (digest);
    """,
)
#: Seconds that a program waits for another one that is writing.
_LOCK_SECONDS = 10


class WorkshopStore:
    """The file of one state folder.

    Parameters
    ----------
    path
        The SQLite file; created at first use, mode 0600.

    Raises
    ------
    WorkshopError
        By every method, where the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Yields a transaction, which is written when the block ends without an error."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self.path.exists():
                self.path.touch(mode=0o600)
            connection = sqlite3.connect(self.path, timeout=_LOCK_SECONDS, isolation_level=None)
            with closing(connection) as database:
                database.row_factory = sqlite3.Row
                database.execute("PRAGMA secure_delete = ON")
                database.execute("PRAGMA foreign_keys = ON")
                database.execute("BEGIN IMMEDIATE")
                try:
                    self._upgrade(database)
                    yield Transaction(database)
                except BaseException:
                    database.execute("ROLLBACK")
                    raise
                database.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            raise WorkshopError(f"{self.path}: cannot be used: {error}") from None

    def _upgrade(self, database: sqlite3.Connection) -> None:
        version = int(database.execute("PRAGMA user_version").fetchone()[0])
        if version > len(SCHEMA):
            raise WorkshopError(
                f"{self.path}: was written by a later version of the platform (schema {version});"
                " use that version"
            )
        for change in SCHEMA[version:]:
            for statement in filter(str.strip, change.split(";\n")):
                database.execute(statement)
        if version < len(SCHEMA):
            database.execute(f"PRAGMA user_version = {len(SCHEMA)}")

    def get(self, name: str) -> Workshop | None:
        """Returns a workshop, or None."""
        with self.transaction() as change:
            return change.get(name)

    def require(self, name: str) -> Workshop:
        """Returns a workshop.

        Raises
        ------
        WorkshopError
            Where there is none of this name.
        """
        found = self.get(name)
        if found is None:
            raise WorkshopError(
                f"there is no workshop {name}; list them with: km3hub workshop list"
            )
        return found

    def all(self) -> list[Workshop]:
        """Returns all workshops, the newest first."""
        if not self.path.exists():
            return []
        with self.transaction() as change:
            return change.workshops()

    def members(self, workshop: str) -> list[Member]:
        """Returns the members of a workshop, participants first, in the order of their accounts."""
        with self.transaction() as change:
            return change.members(workshop)

    def invitations(self, workshop: str) -> list[Invitation]:
        """Returns the invitations to a workshop."""
        with self.transaction() as change:
            return change.invitations(workshop)


class Transaction:
    """Reads and changes in one transaction.

    Parameters
    ----------
    database
        The connection, in a transaction.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database

    def get(self, name: str) -> Workshop | None:
        """Returns a workshop, or None."""
        found = self.database.execute("SELECT * FROM workshop WHERE name = ?", (name,)).fetchone()
        return _workshop(found) if found else None

    def workshops(self) -> list[Workshop]:
        """Returns all workshops, the newest first."""
        rows = self.database.execute("SELECT * FROM workshop ORDER BY created DESC, name")
        return [_workshop(row) for row in rows]

    def put(self, workshop: Workshop) -> None:
        """Add a workshop, or replace what is known of it."""
        self.database.execute(
            "INSERT INTO workshop VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " until = excluded.until, environment = excluded.environment, size = excluded.size,"
            " state = excluded.state",
            (
                workshop.name,
                workshop.created.isoformat(),
                workshop.until.isoformat(),
                workshop.environment,
                workshop.size,
                workshop.state,
            ),
        )

    def set_state(self, name: str, state: State) -> None:
        """Change the state of a workshop."""
        self.database.execute("UPDATE workshop SET state = ? WHERE name = ?", (state, name))

    def members(self, workshop: str) -> list[Member]:
        """Returns the members of a workshop, participants first, in the order of their accounts."""
        rows = self.database.execute(
            "SELECT * FROM member WHERE workshop = ? ORDER BY role, length(account), account",
            (workshop,),
        )
        return [_member(row) for row in rows]

    def memberships(self, account: str) -> list[Member]:
        """Returns the memberships of an account in workshops of any state."""
        rows = self.database.execute("SELECT * FROM member WHERE account = ?", (account,))
        return [_member(row) for row in rows]

    def add_members(self, members: Iterable[Member]) -> None:
        """Add members; those who are there stay as they are."""
        self.database.executemany(
            "INSERT INTO member VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [astuple(member) for member in members],
        )

    def remove_member(self, workshop: str, account: str) -> None:
        """Remove a member with all links."""
        for table in ("member", "link"):
            self.database.execute(
                f"DELETE FROM {table} WHERE workshop = ? AND account = ?",  # noqa: S608
                (workshop, account),
            )

    def invitations(self, workshop: str) -> list[Invitation]:
        """Returns the invitations to a workshop."""
        rows = self.database.execute(
            "SELECT * FROM invitation WHERE workshop = ? ORDER BY kind, value", (workshop,)
        )
        return [Invitation(**dict(row)) for row in rows]

    def add_invitations(self, invitations: Iterable[Invitation]) -> None:
        """Add invitations; those that are there stay as they are."""
        self.database.executemany(
            "INSERT INTO invitation VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [astuple(invitation) for invitation in invitations],
        )


def _workshop(row: sqlite3.Row) -> Workshop:
    values: dict[str, Any] = dict(row)
    for key in ("created", "until"):
        values[key] = datetime.fromisoformat(values[key]).astimezone(UTC)
    return Workshop(**values)


def _member(row: sqlite3.Row) -> Member:
    values: dict[str, Any] = dict(row)
    values["guest"] = bool(values["guest"])
    return Member(**values)
