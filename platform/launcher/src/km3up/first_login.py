"""The two accounts of the first start, an administrator and a user, with random passwords."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass

from km3settings.state import State

__all__ = ["FirstAccount", "first_accounts"]

_HEADER = "# Accounts of the first start. Change a password: km3hub accounts passwd NAME\n"
# No letters or digits that look alike; 20 characters out of 54 are 115 bits.
_ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


@dataclass(frozen=True)
class FirstAccount:
    """One account of the first start."""

    name: str
    password: str
    admin: bool


def _password() -> str:
    characters = [secrets.choice(_ALPHABET) for _ in range(20)]
    return "-".join("".join(characters[i : i + 5]) for i in range(0, 20, 5))


def first_accounts(state: State) -> list[FirstAccount]:
    """Returns the accounts of the first start; their passwords are kept in a file, mode 0600.

    A start that was interrupted before the accounts were created gets the same passwords.
    """
    names = {"admin": True, "user": False}
    if not state.first_login.exists():
        draft = state.first_login.with_suffix(".draft")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(_HEADER)
            file.writelines(f"{name} {_password()}\n" for name in names)
        draft.rename(state.first_login)
    lines = state.first_login.read_text(encoding="ascii").splitlines()
    pairs = [line.split() for line in lines if line and not line.startswith("#")]
    return [FirstAccount(name, password, names.get(name, False)) for name, password in pairs]
