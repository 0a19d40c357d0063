"""Which logins, tokens and servers of a name are still valid, and which home it has.

A name may lose its password, and may go from one person to the next. Everything that is older than
that is void: browser sessions, tokens, running servers. The next person also gets another home.
One file of the state folder has these times, for accounts and for users of a provider alike. The
hub reads it at each request and acts on it (`ended.py`).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from filelock import Timeout
from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter

from km3hub.login.stored import LOCK_SECONDS, StoredFile

__all__ = ["Access", "AccessError", "AccessFile"]

#: Before everything.
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


class AccessError(Exception):
    """The file cannot be read or changed; the message says why."""


class Access(BaseModel):
    """What is valid for one name."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    valid_since: AwareDatetime = _EVER
    """Sessions, tokens and servers that are older are void."""
    held_since: AwareDatetime = _EVER
    """What the hub knows about a user from before is another person's."""
    home: int = 1
    """The number of the person's home: 1 for the first person with this name."""
    homes: int = 1
    """How many homes the name has had; a number is never given twice."""
    former_home: int = 1
    """The number of the home of the last person with the name."""
    free: bool = False
    """Whether nobody has the name, because its account was removed."""
    holder: str = ""
    """With a provider: a digest of the person's permanent identifier."""

    @property
    def home_suffix(self) -> str:
        """What follows the name in the name of the home: nothing, or `.2` for the second person.

        No user name contains a dot.
        """
        return "" if self.home == 1 else f".{self.home}"


_Content = dict[str, Access]
_ADAPTER = TypeAdapter(_Content)


def _text(content: _Content) -> str:
    known = {name: content[name] for name in sorted(content)}
    return json.dumps(
        {n: a.model_dump(mode="json", exclude_defaults=True) for n, a in known.items()}, indent=1
    )


class AccessFile:
    """The file of one state folder.

    Parameters
    ----------
    path
        `access.json`; created with the first change, mode 0600.
    """

    def __init__(self, path: Path) -> None:
        self.file = StoredFile[_Content](path, read=_ADAPTER.validate_json, write=_text, empty=dict)

    def get(self, name: str) -> Access:
        """Returns what is valid for a name: everything, if nothing was ended.

        Raises
        ------
        AccessError
            If the file cannot be read.
        """
        return self.all().get(name, Access())

    def all(self) -> Mapping[str, Access]:
        """Returns the names for which something was ended.

        Raises
        ------
        AccessError
            If the file cannot be read.
        """
        try:
            return self.file.content()
        except (OSError, ValueError) as error:
            raise AccessError(f"{self.file.path}: {_reason(error)}") from None

    def end(self, name: str) -> None:
        """End sessions, tokens and servers of a name; its person stays the same."""
        self._change(name, lambda was, now: was.model_copy(update={"valid_since": now}))

    def release(self, name: str) -> None:
        """Free a name: the next person who gets it inherits nothing."""
        self._change(
            name,
            lambda was, now: was if was.free else _next(was, now).model_copy(update={"free": True}),
        )

    def give(self, name: str, *, same_person: bool = False) -> bool:
        """Give a name to a person; return whether another person had it before.

        Parameters
        ----------
        name
            A name that nobody has.
        same_person
            Whether the person is the one who had it last, and gets that home again.
        """
        free = self.get(name).free
        if not free and not _known_to_hub(self.file.path.parent, name):
            return False

        def change(was: Access, now: datetime) -> Access:
            # A free name has its next home already.
            new = was.model_copy(update={"free": False}) if was.free else _next(was, now)
            home = new.former_home if same_person else new.home
            return new.model_copy(update={"home": home, "held_since": now, "valid_since": now})

        self._change(name, change)
        return not same_person

    def move(self, name: str, home: int) -> None:
        """Give a person another home that the name has had.

        Raises
        ------
        AccessError
            If there is none of this number, or the file cannot be changed.
        """
        was = self.get(name)
        if not 1 <= home <= was.homes:
            raise AccessError(f"{name} has had the homes 1 to {was.homes}; there is no home {home}")
        # The servers have to start anew with it.
        self._change(
            name, lambda was, now: was.model_copy(update={"home": home, "valid_since": now})
        )

    def hold(self, name: str, holder: str) -> bool:
        """Record the person of a name; return whether the name is this person's.

        Parameters
        ----------
        name
            The name of a user of a provider.
        holder
            A digest of the person's identifier, which the provider never gives to another one.
        """
        was = self.get(name)
        if was.holder and not was.free:
            return was.holder == holder
        self._change(
            name, lambda was, now: was.model_copy(update={"holder": holder, "free": False})
        )
        return True

    def _change(self, name: str, change: Callable[[Access, datetime], Access]) -> None:
        try:
            with self.file.changing() as content:
                content[name] = change(content.get(name, Access()), datetime.now(UTC))
        except Timeout:
            raise AccessError(
                f"{self.file.path}: another program has been changing it for {LOCK_SECONDS}"
                " seconds; try again"
            ) from None
        except (OSError, ValueError) as error:
            raise AccessError(f"{self.file.path}: {_reason(error)}") from None


def _next(was: Access, now: datetime) -> Access:
    """Returns what is valid for the next person with a name."""
    return Access(
        valid_since=now,
        held_since=now,
        home=was.homes + 1,
        homes=was.homes + 1,
        former_home=was.home,
    )


def _known_to_hub(state: Path, name: str) -> bool:
    """Returns whether somebody used a name before this file existed: as a user or as a home."""
    if (state / "homes" / name).exists():
        return True
    database = state / "hub.sqlite"
    if not database.exists():
        return False
    try:
        connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=LOCK_SECONDS)
        try:
            found = connection.execute("SELECT 1 FROM users WHERE name = ?", (name,)).fetchone()
        finally:
            connection.close()
    except sqlite3.Error:  # not a hub's database yet
        return False
    return found is not None


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"cannot be used: {error.strerror or error}"
    return "is damaged; restore a backup. The file was not modified"
