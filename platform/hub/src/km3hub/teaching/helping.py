"""Participants who ask for help, and who invite their teachers to their server for an hour."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from jupyterhub import orm

from km3hub.teaching.groups import attended, taught, teachers_group
from km3hub.teaching.store import Store

__all__ = [
    "MINUTES",
    "Call",
    "Help",
    "InvitationError",
    "end_invitations",
    "invite",
    "withdraw",
]

#: How long an invitation lasts.
MINUTES = 60


class InvitationError(Exception):
    """An invitation that cannot be made; the message says why."""


@dataclass(frozen=True)
class Call:
    """A participant who asks for help."""

    user: str
    asked: float
    """Seconds since 1970."""
    invited_until: float | None
    """Until when teachers may open the server; None: they may not."""

    @property
    def invited(self) -> bool:
        """Whether teachers may open the server now."""
        return self.invited_until is not None and self.invited_until > time.time()


class Help:
    """The calls for help of all workshops.

    Parameters
    ----------
    store
        The database; its errors are raised by every method.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def call(self, workshop: str, user: str, invited_until: float | None = None) -> None:
        """Ask for help, or change whether teachers are invited."""
        with self._store.transaction() as database:
            database.execute(
                "INSERT INTO help (workshop, user, asked, invited_until) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET invited_until = excluded.invited_until",
                (workshop, user, time.time(), invited_until),
            )

    def end(self, workshop: str, user: str) -> bool:
        """End a call; return whether there was one."""
        with self._store.transaction() as database:
            found = database.execute(
                "DELETE FROM help WHERE workshop = ? AND user = ?", (workshop, user)
            )
            return found.rowcount > 0

    def calls(self, workshop: str) -> dict[str, Call]:
        """Returns the calls of a workshop, by user name."""
        with self._store.transaction() as database:
            rows = database.execute(
                "SELECT user, asked, invited_until FROM help WHERE workshop = ?", (workshop,)
            ).fetchall()
        return {row["user"]: Call(**row) for row in rows}


def invite(db: Any, user: Any, workshop: str) -> float:
    """Let the teachers of a workshop open the server of a user; return until when.

    Parameters
    ----------
    db
        The session of the hub's database.
    user
        The participant, who must have asked for this.
    workshop
        The workshop.

    Raises
    ------
    InvitationError
        Where no teacher has logged in yet, or there is no server.
    """
    teachers = _teachers(db, workshop)
    spawner = user.orm_spawners.get("")
    if not teachers:
        raise InvitationError("No teacher of this workshop has logged in yet.")
    if spawner is None:
        raise InvitationError("You have no server yet. Start it first.")
    until = datetime.now(UTC) + timedelta(minutes=MINUTES)
    # Not to the group: JupyterHub 6.1.1 honours that where a teacher logs in to the server, but
    # not for the token that the teacher's browser then gets.
    for teacher in teachers:
        share = orm.Share.grant(db, spawner, teacher)
        # The database has times in UTC without a zone.
        share.expires_at = until.replace(tzinfo=None)
    db.commit()
    return until.timestamp()


def withdraw(db: Any, user: Any, workshop: str) -> None:
    """End the invitation of a user."""
    spawner = user.orm_spawners.get("")
    for teacher in _teachers(db, workshop) if spawner is not None else ():
        orm.Share.revoke(db, spawner, teacher)


def _teachers(db: Any, workshop: str) -> list[Any]:
    group = orm.Group.find(db, teachers_group(workshop))
    return list(group.users) if group is not None else []


def end_invitations(db: Any) -> None:
    """Delete invitations that have expired, and those of teachers who are no longer teachers.

    JupyterHub deletes expired shares once an hour only, and honours them until then.
    """
    orm.Share.purge_expired(db)
    for share in db.query(orm.Share).filter(orm.Share.expires_at.isnot(None)):
        if share.user is None:
            continue
        attends = attended(group.name for group in share.owner.groups)
        if not set(attends) & set(taught(group.name for group in share.user.groups)):
            db.delete(share)
            db.commit()
