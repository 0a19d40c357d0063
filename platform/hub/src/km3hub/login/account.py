"""One account: its name, what it may, and until when."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

__all__ = [
    "LONGEST_NAME",
    "NAME_PATTERN",
    "Account",
    "AccountNameError",
    "AccountsError",
    "expiry",
    "group_names",
    "normalised",
]

#: Names become names of folders, volumes and containers.
NAME_PATTERN = r"[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?"
LONGEST_NAME = 32
#: The limit of the hub's database.
_LONGEST_GROUP = 255


class AccountsError(Exception):
    """The accounts cannot be read or changed; the message says why."""


class AccountNameError(AccountsError, ValueError):
    """An invalid account name."""


def normalised(name: str) -> str:
    """Returns the name as JupyterHub knows it, in lower case.

    Raises
    ------
    AccountNameError
        If the name is invalid.
    """
    # The length first: anybody may send a megabyte.
    if len(name) > LONGEST_NAME or not re.fullmatch(NAME_PATTERN, name.lower()):
        shown = name if len(name) <= LONGEST_NAME else f"{name[:16]}... ({len(name)} characters)"
        raise AccountNameError(
            f"{shown!r} is not a valid account name: use up to {LONGEST_NAME} letters (a-z),"
            " digits and '-', starting with a letter and not ending with '-', e.g. ada or group-7"
        )
    return name.lower()


def expiry(text: str) -> datetime:
    """Returns the time from which an account is expired.

    Parameters
    ----------
    text
        A date (the account works until that day ends, UTC) or a time with its zone.

    Raises
    ------
    ValueError
        For anything else.
    """
    with suppress(ValueError):
        day = date.fromisoformat(text)
        if day == date.max:  # what people write for "never"
            return datetime.max.replace(tzinfo=UTC)
        return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is not a date; write e.g. 2027-01-31 or 2027-01-31T18:00+01:00"
        ) from None
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone; write e.g. {text}+00:00 for UTC")
    return moment.astimezone(UTC)


def group_names(text: str) -> tuple[str, ...]:
    """Returns the groups in a list such as `experts,students`; empty: none.

    Raises
    ------
    ValueError
        If a name is invalid.
    """
    if not text.strip():
        return ()
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if not name:
            raise ValueError(f"{text!r} has an empty name; write e.g. experts,students")
        if len(name) > _LONGEST_GROUP or not name.isprintable():
            raise ValueError(
                f"{name[:40]!r} is not a valid group name: use up to {_LONGEST_GROUP} printable"
                " characters, e.g. experts"
            )
    return tuple(dict.fromkeys(names))


class Account(BaseModel):
    """One account of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hash: str
    """argon2 hash of the password."""
    admin: bool = False
    """Whether the user is an administrator."""
    expires: Annotated[
        AwareDatetime | None, BeforeValidator(lambda v: expiry(v) if isinstance(v, str) else v)
    ] = None
    """The time from which the account is expired; None: never."""
    created: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))
    groups: tuple[str, ...] | None = None
    """The user's groups, which give access to environments and sizes; None: not managed here."""

    @model_serializer(mode="wrap")
    def _without_unset_groups(self, write: SerializerFunctionWrapHandler) -> dict[str, object]:
        # Versions without groups can still read accounts without groups.
        data: dict[str, object] = write(self)
        return {key: value for key, value in data.items() if (key, value) != ("groups", None)}

    def expired(self, now: datetime | None = None) -> bool:
        """Returns whether the account is expired at the time `now` (default: the current time)."""
        return self.expires is not None and (now or datetime.now(UTC)) >= self.expires
