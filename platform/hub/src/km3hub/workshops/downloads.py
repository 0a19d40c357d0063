"""Download links: each opens one archive, for a limited time, until it is revoked.

Only the SHA-256 of a link's secret is stored.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from km3hub.membership.links import digest, new_secret
from km3hub.membership.store import Transaction, WorkshopStore
from km3hub.workshops.archive import Archived
from km3settings.state import State

__all__ = ["Download", "Downloads", "Step"]

#: `pending`: nothing is archived; `archived`: archive and home were found to be equal; `removed`:
#: home and account are gone.
Step = Literal["pending", "archived", "removed"]


@dataclass(frozen=True, kw_only=True)
class Download:
    """The archive of one home."""

    workshop: str
    account: str
    home: str
    """The name of the home; empty: there was none."""
    step: Step
    bytes: int
    """Of the archive; 0: there is none."""
    sha256: str
    digest: str | None
    """Of the link's secret; None: there is no link, or it was revoked."""
    expires: datetime | None
    """When link and archive are deleted."""
    downloads: int
    """How often it was opened."""


class Downloads:
    """The archives of a platform's workshops.

    Parameters
    ----------
    state
        The state folder.

    Raises
    ------
    WorkshopError
        By every method, where the file of workshops cannot be used.
    """

    def __init__(self, state: State) -> None:
        self._folder = state.workshops
        self.store = WorkshopStore(state.workshops_file)

    def path(self, workshop: str, account: str) -> Path:
        """Returns the ZIP file of an account's archive."""
        return self._folder / workshop / "archives" / f"{account}.zip"

    def begin(self, workshop: str, homes: dict[str, str]) -> None:
        """Record which homes are to be archived; those that are known stay as they are."""
        with self.store.transaction() as change:
            change.database.executemany(
                "INSERT INTO archive VALUES (?, ?, ?, 'pending', 0, '', NULL, NULL, 0)"
                " ON CONFLICT DO NOTHING",
                [(workshop, account, home) for account, home in homes.items()],
            )

    def archived(self, workshop: str, account: str, done: Archived | None) -> None:
        """Record that an archive is complete, or that there is no home."""
        with self.store.transaction() as change:
            change.database.execute(
                "UPDATE archive SET step = 'archived', bytes = ?, sha256 = ?"
                " WHERE workshop = ? AND account = ?",
                (done.bytes if done else 0, done.sha256 if done else "", workshop, account),
            )

    def removed(self, workshop: str, account: str) -> None:
        """Record that home and account are gone."""
        with self.store.transaction() as change:
            change.database.execute(
                "UPDATE archive SET step = 'removed' WHERE workshop = ? AND account = ?",
                (workshop, account),
            )

    def of(self, workshop: str) -> list[Download]:
        """Returns the archives of a workshop."""
        with self.store.transaction() as change:
            return _of(change, workshop)

    def issue(
        self, workshop: str, expires: datetime, only: Collection[str] | None = None
    ) -> dict[str, str]:
        """Give each archive a new link; the former ones end. Returns the secrets by account.

        Parameters
        ----------
        workshop
            The workshop.
        expires
            When links and archives are deleted.
        only
            The accounts; None: all.
        """
        secrets = {}
        with self.store.transaction() as change:
            for one in _of(change, workshop):
                if one.bytes and (only is None or one.account in only):
                    secrets[one.account] = new_secret()
                    change.database.execute(
                        "UPDATE archive SET digest = ?, expires = ?"
                        " WHERE workshop = ? AND account = ?",
                        (digest(secrets[one.account]), _text(expires), workshop, one.account),
                    )
        return secrets

    def find(self, secret: str) -> Download | None:
        """Returns the archive of a link that is valid now, or None."""
        return self.with_digest(digest(secret))

    def with_digest(self, key: str) -> Download | None:
        """Returns the archive of a link that is valid now, by the digest of its secret, or None."""
        if not key or not self.store.path.exists():
            return None
        with self.store.transaction() as change:
            row = change.database.execute(
                "SELECT * FROM archive WHERE digest = ? AND expires > ?",
                (key, _text(datetime.now(UTC))),
            ).fetchone()
        return _download(dict(row)) if row else None

    def count(self, found: Download) -> None:
        """Count a download."""
        with self.store.transaction() as change:
            change.database.execute(
                "UPDATE archive SET downloads = downloads + 1 WHERE workshop = ? AND account = ?",
                (found.workshop, found.account),
            )

    def revoke(self, workshop: str, accounts: Collection[str] | None = None) -> list[str]:
        """End links at once; the archives stay until they expire. Returns whose link ended.

        Parameters
        ----------
        workshop
            The workshop.
        accounts
            Whose; None: all.
        """
        with self.store.transaction() as change:
            ended = [
                one.account
                for one in _of(change, workshop)
                if one.digest and (accounts is None or one.account in accounts)
            ]
            change.database.executemany(
                "UPDATE archive SET digest = NULL WHERE workshop = ? AND account = ?",
                [(workshop, account) for account in ended],
            )
        return ended

    def delete_expired(self) -> list[str]:
        """Delete the archives whose time is over, and what is known of their owners."""
        if not self.store.path.exists():
            return []
        with self.store.transaction() as change:
            rows = change.database.execute(
                "SELECT * FROM archive WHERE step = 'removed' AND expires <= ?",
                (_text(datetime.now(UTC)),),
            ).fetchall()
        expired = [_download(dict(row)) for row in rows]
        for one in expired:
            self.delete(one.workshop, one.account)
        return [one.account for one in expired]

    def delete(self, workshop: str, account: str) -> None:
        """Delete an archive, and what the workshop knows of its owner.

        Raises
        ------
        OSError
            Where a file cannot be deleted; its record stays.
        """
        path = self.path(workshop, account)
        for file in (path, path.with_name(f"{path.name}.sha256")):
            file.unlink(missing_ok=True)
        with self.store.transaction() as change:
            change.database.execute(
                "DELETE FROM archive WHERE workshop = ? AND account = ?", (workshop, account)
            )
            change.remove_member(workshop, account)


def _of(change: Transaction, workshop: str) -> list[Download]:
    rows = change.database.execute(
        "SELECT * FROM archive WHERE workshop = ? ORDER BY length(account), account", (workshop,)
    )
    return [_download(dict(row)) for row in rows]


def _download(row: dict[str, object]) -> Download:
    expires = row.pop("expires")
    moment = datetime.fromisoformat(expires).astimezone(UTC) if isinstance(expires, str) else None
    return Download(**row, expires=moment)  # type: ignore[arg-type]


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
