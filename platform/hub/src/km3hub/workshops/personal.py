"""What workshops keep of a person: the entry in the roster, card, links and archive of the home."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from km3hub.membership.store import Transaction
from km3hub.workshops.creating import Workshops
from km3hub.workshops.downloads import Downloads
from km3settings.state import State

__all__ = ["WorkshopRecords"]

#: What is exported: no secret, and no digest of one.
_QUERIES = {
    "roster": "SELECT workshop, account, role, name, email FROM member WHERE account = ?",
    "login_links": "SELECT workshop, created, expires, used FROM link WHERE account = ?",
    "archives": (
        "SELECT workshop, home, step, bytes, sha256, expires, downloads FROM archive"
        " WHERE account = ?"
    ),
}


class WorkshopRecords:
    """The records of one platform's workshops about a person.

    Those of an earlier person with the same user name are left out. `home` is the name of the
    person's home: `school-07`, or `school-07.2` for the second person of that name.

    Parameters
    ----------
    state
        The state folder.

    Raises
    ------
    WorkshopError
        By every method, where the file of workshops or a handout cannot be used.
    """

    def __init__(self, state: State) -> None:
        self._workshops = Workshops(state)
        self._downloads = Downloads(state)

    def entries(self, account: str, home: str) -> dict[str, list[dict[str, Any]]]:
        """Returns everything about a person by kind, as JSON; kinds without an entry are absent."""
        if not self._workshops.store.path.exists():
            return {}
        found: dict[str, list[dict[str, Any]]] = {}
        with self._workshops.store.transaction() as change:
            mine = self._mine(change, account, home)
            for kind, query in _QUERIES.items():
                rows = [dict(row) for row in change.database.execute(query, (account,))]
                found[kind] = [row for row in rows if row["workshop"] in mine]
        found["cards"] = [
            card.model_dump(mode="json", include={"account", "role", "name", "email"})
            for name in mine
            if (card := self._workshops.cards(name).read().get(account))
        ]
        return {kind: rows for kind, rows in found.items() if rows}

    def erase(self, account: str, home: str) -> None:
        """Delete everything about a person, the archive of the home included.

        Raises
        ------
        OSError
            Where an archive cannot be deleted; running it again is safe.
        """
        if not self._workshops.store.path.exists():
            return
        with self._workshops.alone():
            with self._workshops.store.transaction() as change:
                mine = self._mine(change, account, home)
            for name in mine:
                cards = self._workshops.cards(name)
                kept = cards.read()
                if kept.pop(account, None):
                    cards.write(kept)
                self._downloads.delete(name, account)

    def _mine(self, change: Transaction, account: str, home: str) -> list[str]:
        """Returns the workshops that know the person who has this name now, or had it last."""
        known = self._workshops.accounts.get(account)
        since = known.created.astimezone(UTC).isoformat() if known else ""
        rows = change.database.execute(
            "SELECT workshop FROM member WHERE account = ?1 UNION"
            " SELECT workshop FROM archive WHERE account = ?1 ORDER BY workshop",
            (account,),
        )
        return [name for (name,) in rows.fetchall() if _is_of(change, name, account, home, since)]


def _is_of(change: Transaction, workshop: str, account: str, home: str, since: str) -> bool:
    """Returns whether a workshop's member is the person with this home, and not an earlier one."""
    owner = (workshop, account)
    archived = change.database.execute(
        "SELECT home FROM archive WHERE workshop = ? AND account = ?", owner
    ).fetchone()
    if archived:
        return bool(archived["home"] == home)
    link = change.database.execute(
        "SELECT max(created) AS newest FROM link WHERE workshop = ? AND account = ?", owner
    ).fetchone()
    return link["newest"] is None or link["newest"] >= since
