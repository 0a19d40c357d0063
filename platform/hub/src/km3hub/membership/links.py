"""One-time login links: each lets one person into one account, once, for a limited time.

Only the SHA-256 of a link's secret is stored. It has 192 random bits, so a slow hash would add
nothing.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import UTC, datetime
from typing import Literal

from km3hub.membership.store import Transaction, WorkshopStore

__all__ = ["LENGTH", "Links", "digest", "new_secret"]

_BYTES = 24
#: Characters of a secret.
LENGTH = 32


def new_secret() -> str:
    """Returns a random secret of 192 bits: 32 letters, digits, `-` and `_`."""
    return secrets.token_urlsafe(_BYTES)


def digest(secret: str) -> str:
    """Returns what is stored of a secret; empty for what cannot be one."""
    if not re.fullmatch(rf"[A-Za-z0-9_-]{{{LENGTH}}}", secret, re.ASCII):
        return ""
    return hashlib.sha256(secret.encode()).hexdigest()


class Links:
    """The one-time login links of all workshops.

    Parameters
    ----------
    store
        The file of workshops.

    Raises
    ------
    WorkshopError
        By every method, where the file cannot be used.
    """

    def __init__(self, store: WorkshopStore) -> None:
        self._store = store

    @staticmethod
    def add(
        change: Transaction, workshop: str, account: str, secret: str, expires: datetime
    ) -> None:
        """Add a link within a transaction; one that is there stays as it is."""
        change.database.execute(
            "INSERT INTO link VALUES (?, ?, ?, ?, ?, NULL) ON CONFLICT DO NOTHING",
            (
                digest(secret),
                workshop,
                account,
                datetime.now(UTC).isoformat(),
                expires.astimezone(UTC).isoformat(),
            ),
        )

    @staticmethod
    def extend(change: Transaction, workshop: str, expires: datetime) -> None:
        """Change within a transaction when the unused links of a workshop expire."""
        change.database.execute(
            "UPDATE link SET expires = ? WHERE workshop = ? AND used IS NULL",
            (expires.astimezone(UTC).isoformat(), workshop),
        )

    def use(
        self, account: str, secret: str, valid_since: datetime
    ) -> Literal["valid", "void", "unknown"]:
        """Use a link up; return whether it was valid for this account.

        Of two requests at the same time, one gets "valid" and the other "void".

        Parameters
        ----------
        account
            The account that the link is for.
        secret
            Its secret.
        valid_since
            Links from before are void: the account's password was changed, or it is another
            person's.

        Returns
        -------
        str
            "valid"; "void" for a link that is used, expired or replaced; or "unknown".
        """
        key = digest(secret)
        if not key or not self._store.path.exists():
            return "unknown"
        now = datetime.now(UTC).isoformat()
        with self._store.transaction() as change:
            done = change.database.execute(
                "UPDATE link SET used = ?1 WHERE digest = ?2 AND account = ?3 AND used IS NULL"
                " AND expires > ?1 AND created >= ?4 AND EXISTS (SELECT 1 FROM workshop"
                " WHERE workshop.name = link.workshop AND workshop.state = 'open')",
                (now, key, account, valid_since.astimezone(UTC).isoformat()),
            )
            if done.rowcount == 1:
                return "valid"
            known = change.database.execute(
                "SELECT 1 FROM link WHERE digest = ? AND account = ?", (key, account)
            )
            return "void" if known.fetchone() else "unknown"

    def unused(self, workshop: str) -> set[str]:
        """Returns the accounts of a workshop that have an unused link."""
        with self._store.transaction() as change:
            rows = change.database.execute(
                "SELECT account FROM link WHERE workshop = ? AND used IS NULL", (workshop,)
            )
            return {row["account"] for row in rows}
