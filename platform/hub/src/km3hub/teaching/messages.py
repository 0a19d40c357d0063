"""Messages of teachers to participants. Participants cannot write any."""

from __future__ import annotations

import time
from dataclasses import dataclass

from km3hub.teaching.store import Store

__all__ = ["LONGEST", "Message", "MessageError", "Messages"]

#: Characters.
LONGEST = 1000
#: Seconds after which a message that was not read is no longer shown.
_SHOWN = 2 * 86400.0


class MessageError(ValueError):
    """A message that cannot be sent; the message says why."""


@dataclass(frozen=True)
class Message:
    """One message."""

    id: int
    sender: str
    recipient: str | None
    """A user name; None: all participants."""
    text: str
    sent: float
    """Seconds since 1970."""
    read: int = 0
    """How many have dismissed it."""


class Messages:
    """The messages of all workshops.

    Parameters
    ----------
    store
        The database; its errors are raised by every method.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def send(self, workshop: str, sender: str, recipient: str | None, text: str) -> None:
        """Send a message.

        Raises
        ------
        MessageError
            For an empty text, or one that is too long.
        """
        text = _plain(text)
        if not text:
            raise MessageError("The message is empty. Write what you want to say.")
        if len(text) > LONGEST:
            raise MessageError(
                f"The message has {len(text)} characters; at most {LONGEST} are possible."
                " Publish a longer text as a file."
            )
        with self._store.transaction() as database:
            database.execute(
                "INSERT INTO message (workshop, sender, recipient, text, sent)"
                " VALUES (?, ?, ?, ?, ?)",
                (workshop, sender, recipient, text, time.time()),
            )

    def take_back(self, workshop: str, number: int) -> bool:
        """Delete a message of a workshop; return whether there was one."""
        with self._store.transaction() as database:
            found = database.execute(
                "DELETE FROM message WHERE workshop = ? AND id = ?", (workshop, number)
            )
            return found.rowcount > 0

    def sent(self, workshop: str, limit: int = 10) -> list[Message]:
        """Returns the latest messages of a workshop, the newest first."""
        with self._store.transaction() as database:
            rows = database.execute(
                "SELECT id, sender, recipient, text, sent,"
                " (SELECT count(*) FROM message_read WHERE message = id) AS read"
                " FROM message WHERE workshop = ? ORDER BY id DESC LIMIT ?",
                (workshop, limit),
            ).fetchall()
        return [Message(**row) for row in rows]

    def unread(self, workshop: str, user: str) -> list[Message]:
        """Returns what a participant has not dismissed yet, the oldest first."""
        with self._store.transaction() as database:
            rows = database.execute(
                "SELECT id, sender, recipient, text, sent FROM message"
                " WHERE workshop = ? AND (recipient IS NULL OR recipient = ?) AND sent > ?"
                " AND NOT EXISTS (SELECT 1 FROM message_read WHERE message = id AND user = ?)"
                " ORDER BY id",
                (workshop, user, time.time() - _SHOWN, user),
            ).fetchall()
        return [Message(**row) for row in rows]

    def dismiss(self, workshop: str, user: str, numbers: list[int]) -> None:
        """Note that a participant has read messages."""
        with self._store.transaction() as database:
            database.executemany(
                "INSERT OR IGNORE INTO message_read (message, user)"
                " SELECT id, ? FROM message WHERE workshop = ? AND id = ?"
                " AND (recipient IS NULL OR recipient = ?)",
                [(user, workshop, number, user) for number in numbers],
            )


def _plain(text: str) -> str:
    """Returns a text without control characters, with simple line breaks."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in lines if c == "\n" or c.isprintable()).strip()
