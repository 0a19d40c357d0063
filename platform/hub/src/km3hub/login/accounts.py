"""The accounts: one JSON file in the state folder.

The file is always replaced as a whole, so that readers see the old or the new one. Writers hold a
lock. A running hub sees a change at the next request.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

from filelock import FileLock, Timeout
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)

from km3hub.login import passwords

__all__ = [
    "Account",
    "AccountNameError",
    "AccountStore",
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
_LOCK_SECONDS = 10


class AccountsError(Exception):
    """The accounts cannot be read or changed; the message says why."""


class AccountNameError(AccountsError, ValueError):
    """An invalid account name."""


def normalised(name: str) -> str:
    """Returns the name as JupyterHub knows it, in lower case.

    Raises
    ------
    AccountNameError
        Where the name is invalid.
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
        Where a name is invalid.
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


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: int = Field(default=1, ge=1, le=1)
    accounts: dict[Annotated[str, Field(pattern=f"^{NAME_PATTERN}$")], Account] = {}


class AccountStore:
    """The accounts of one file.

    Parameters
    ----------
    path
        The JSON file; created with the first account, mode 0600.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int, int] | None = None
        self._accounts: dict[str, Account] = {}

    def all(self) -> dict[str, Account]:
        """Returns every account by name; the file is read only after a change.

        Raises
        ------
        AccountsError
            Where the file cannot be read or is damaged. It is not modified.
        """
        try:
            info = self.path.stat()
        except FileNotFoundError:
            self._seen, self._accounts = None, {}
            return {}
        except OSError as error:
            raise self._unreadable(error) from None
        seen = (info.st_mtime_ns, info.st_ino, info.st_size)
        if seen != self._seen:
            self._accounts = self._read()
            self._seen = seen
        return dict(self._accounts)

    def names(self) -> list[str]:
        """Returns the names of all accounts, in alphabetical order."""
        return sorted(self.all())

    def get(self, name: str) -> Account | None:
        """Returns the account of a normalised name, or None."""
        return self.all().get(name)

    def require(self, name: str) -> Account:
        """Returns the account of a name in any case.

        Raises
        ------
        AccountsError
            Where there is none.
        """
        known = self.all()
        return known[self._known(name, known)]

    def add(
        self,
        name: str,
        password: str,
        *,
        admin: bool = False,
        expires: datetime | None = None,
        groups: tuple[str, ...] | None = None,
    ) -> None:
        """Add an account.

        Raises
        ------
        AccountsError
            Where there is one of this name, or the file cannot be used.
        AccountNameError
            Where the name is invalid.
        PasswordError
            Where the password is too short or too long.
        """
        name = normalised(name)
        passwords.check(password)
        account = Account(
            hash=passwords.hashed(password), admin=admin, expires=expires, groups=groups
        )

        def change(accounts: dict[str, Account]) -> None:
            if name in accounts:
                raise AccountsError(
                    f"the account {name} already exists; for a new password: km3hub accounts"
                    f" passwd {name}, or remove it first"
                )
            accounts[name] = account

        self._change(change)

    def remove(self, name: str) -> None:
        """Remove an account; the user's files are kept.

        Raises
        ------
        AccountsError
            Where there is none of this name.
        """

        def change(accounts: dict[str, Account]) -> None:
            del accounts[self._known(name, accounts)]

        self._change(change)

    def set_password(self, name: str, password: str) -> None:
        """Change an account's password.

        Raises
        ------
        AccountsError
            Where there is no account of this name.
        PasswordError
            Where the password is too short or too long.
        """
        passwords.check(password)
        new_hash = passwords.hashed(password)

        def change(accounts: dict[str, Account]) -> None:
            known = self._known(name, accounts)
            accounts[known] = accounts[known].model_copy(update={"hash": new_hash})

        self._change(change)

    def change(self, name: str, **values: object) -> Account:
        """Change `admin`, `expires` or `groups` of an account; return the account.

        Raises
        ------
        AccountsError
            Where there is no account of this name.
        """
        changed = {}

        def change(accounts: dict[str, Account]) -> None:
            known = self._known(name, accounts)
            accounts[known] = changed["account"] = accounts[known].model_copy(update=values)

        self._change(change)
        return changed["account"]

    @staticmethod
    def _known(name: str, accounts: dict[str, Account]) -> str:
        name = normalised(name)
        if name not in accounts:
            raise AccountsError(f"there is no account {name}; list them with: km3hub accounts list")
        return name

    def _unreadable(self, error: OSError) -> AccountsError:
        return AccountsError(f"{self.path}: cannot be read: {error.strerror or error}")

    def _read(self) -> dict[str, Account]:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._unreadable(error) from None
        try:
            return dict(_File.model_validate(json.loads(data)).accounts)
        except (ValueError, RecursionError) as error:
            if isinstance(error, ValidationError):
                # Without the input: entries contain hashes.
                first = error.errors(include_input=False, include_url=False)[0]
                reason = f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}"
            else:
                reason = f"it is not JSON: {error}"
            raise AccountsError(
                f"{self.path}: is damaged: {reason}. Repair it or restore a backup; the file was"
                " not modified"
            ) from None

    def _change(self, change: Callable[[dict[str, Account]], None]) -> None:
        """Apply a change to the current content and replace the file."""
        folder = self.path.parent
        lock = FileLock(f"{self.path}.lock", timeout=_LOCK_SECONDS, mode=0o600)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with lock:
                accounts = self._read()
                change(accounts)
                self._replace(accounts)
        except Timeout:
            raise AccountsError(
                f"{self.path}: another program has been changing the accounts for"
                f" {_LOCK_SECONDS} seconds; try again"
            ) from None
        except OSError as error:
            raise AccountsError(
                f"{self.path}: cannot be written: {error.strerror or error}"
            ) from None

    def _replace(self, accounts: dict[str, Account]) -> None:
        folder = self.path.parent
        text = _File(accounts=dict(sorted(accounts.items()))).model_dump_json(indent=1)
        descriptor, draft = tempfile.mkstemp(dir=folder, prefix=".accounts-")  # mode 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())
            if os.geteuid() == 0:
                # After a change by root, too, the folder's owner (the hub) must be able to read it.
                owner = folder.stat()
                for path in (draft, f"{self.path}.lock"):
                    os.chown(path, owner.st_uid, owner.st_gid)
            os.replace(draft, self.path)
        except BaseException:
            with suppress(OSError):
                os.unlink(draft)
            raise
