"""The accounts: one JSON file in the state folder.

The file is always replaced as a whole, so that readers see the old or the new one. Writers hold a
lock. A running hub sees a change at the next request.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from km3hub.login import passwords
from km3hub.login.access import AccessError, AccessFile
from km3hub.login.account import (
    LONGEST_NAME,
    NAME_PATTERN,
    Account,
    AccountNameError,
    AccountsError,
    expiry,
    group_names,
    normalised,
)
from km3hub.login.stored import LOCK_SECONDS, replace_file

__all__ = [
    "LONGEST_NAME",
    "NAME_PATTERN",
    "Account",
    "AccountNameError",
    "AccountStore",
    "AccountsError",
    "expiry",
    "group_names",
    "normalised",
    "several_people",
]

#: The accounts of the first start.
FIRST_NAMES = frozenset({"admin", "user"})


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: int = Field(default=1, ge=1, le=1)
    accounts: dict[Annotated[str, Field(pattern=f"^{NAME_PATTERN}$")], Account] = {}


def several_people(names: Iterable[str]) -> bool:
    """Returns whether accounts are for more than one person.

    The first start makes two accounts, `admin` and `user`, for one person.
    """
    names = set(names)
    first = names & FIRST_NAMES
    return len(names - FIRST_NAMES) + bool(first) > 1


class AccountStore:
    """The accounts of one file.

    Parameters
    ----------
    path
        The JSON file; created with the first account, mode 0600. Beside it is the file with the
        times from which logins count (`access.py`).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.access = AccessFile(path.with_name("access.json"))
        self._seen: tuple[int, int, int] | None = None
        self._accounts: dict[str, Account] = {}

    def all(self) -> dict[str, Account]:
        """Returns every account by name; the file is read only after a change.

        Raises
        ------
        AccountsError
            If the file cannot be read or is damaged. It is not modified.
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
            If there is none.
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
        same_person: bool = False,
    ) -> bool:
        """Add an account; return whether another person had the name before.

        Such an account inherits nothing: no home, sessions, tokens, groups or roles.

        Parameters
        ----------
        name, password, admin, expires, groups
            What the account has.
        same_person
            Whether it is for the person who had the name last, and who gets the home again.

        Raises
        ------
        AccountsError
            If there is one of this name, or the file cannot be used.
        AccountNameError
            If the name is invalid.
        PasswordError
            If the password is too short or too long.
        """
        name = normalised(name)
        passwords.check(password)
        account = Account(
            hash=passwords.hashed(password), admin=admin, expires=expires, groups=groups
        )

        another = False

        def change(accounts: dict[str, Account]) -> None:
            nonlocal another
            if name in accounts:
                raise AccountsError(
                    f"the account {name} already exists; for a new password: km3hub accounts"
                    f" passwd {name}, or remove it first"
                )
            another = self.access.give(name, same_person=same_person)
            accounts[name] = account

        self._change(change)
        return another

    def add_all(self, new: Mapping[str, Account]) -> None:
        """Add accounts, all or none; none of them inherits anything from former people.

        Parameters
        ----------
        new
            The accounts, with their hashes, by valid name.

        Raises
        ------
        AccountsError
            Where there is one of these names, or the file cannot be used.
        """

        def change(accounts: dict[str, Account]) -> None:
            taken = sorted(new.keys() & accounts.keys())
            if taken:
                raise AccountsError(f"these accounts already exist: {', '.join(taken)}")
            for name, account in new.items():
                self.access.give(name)
                accounts[name] = account

        self._change(change)

    def remove(self, name: str) -> None:
        """Remove an account and end its sessions, tokens and servers; the user's files are kept.

        Raises
        ------
        AccountsError
            If there is none of this name.
        """

        def change(accounts: dict[str, Account]) -> None:
            known = self._known(name, accounts)
            del accounts[known]
            # If this were to fail, the account would stay.
            self.access.release(known)

        self._change(change)

    def set_password(self, name: str, password: str) -> None:
        """Change an account's password, and end its sessions, tokens and servers.

        Raises
        ------
        AccountsError
            If there is no account of this name.
        PasswordError
            If the password is too short or too long.
        """
        passwords.check(password)
        new_hash = passwords.hashed(password)

        def change(accounts: dict[str, Account]) -> None:
            known = self._known(name, accounts)
            accounts[known] = accounts[known].model_copy(update={"hash": new_hash})
            # First: a session that is ended in vain is better than one that outlives its password.
            self.access.end(known)

        self._change(change)
        try:
            # Again: somebody may have logged in with the old password in between.
            self.access.end(normalised(name))
        except AccessError as error:
            raise AccountsError(str(error)) from None

    def change(self, name: str, **values: object) -> Account:
        """Change `admin`, `expires` or `groups` of an account; return the account.

        Raises
        ------
        AccountsError
            If there is no account of this name.
        """
        changed = {}

        def change(accounts: dict[str, Account]) -> None:
            known = self._known(name, accounts)
            accounts[known] = changed["account"] = accounts[known].model_copy(update=values)

        self._change(change)
        return changed["account"]

    def change_all(self, names: Collection[str], **values: object) -> None:
        """Change `admin`, `expires` or `groups` of those of these accounts that exist."""

        def change(accounts: dict[str, Account]) -> None:
            for name in accounts.keys() & set(names):
                accounts[name] = accounts[name].model_copy(update=values)

        self._change(change)

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
        lock = FileLock(f"{self.path}.lock", timeout=LOCK_SECONDS, mode=0o600)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with lock:
                accounts = self._read()
                change(accounts)
                self._replace(accounts)
        except Timeout:
            raise AccountsError(
                f"{self.path}: another program has been changing the accounts for"
                f" {LOCK_SECONDS} seconds; try again"
            ) from None
        except AccessError as error:
            raise AccountsError(str(error)) from None
        except OSError as error:
            raise AccountsError(
                f"{self.path}: cannot be written: {error.strerror or error}"
            ) from None

    def _replace(self, accounts: dict[str, Account]) -> None:
        text = _File(accounts=dict(sorted(accounts.items()))).model_dump_json(indent=1)
        replace_file(self.path, text)
