"""Password hashes, and random passwords that are easy to read aloud."""

from __future__ import annotations

import ctypes
import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

__all__ = [
    "LONGEST",
    "SHORTEST",
    "PasswordError",
    "check",
    "generate",
    "hashed",
    "matches",
    "nobody",
    "return_memory",
]

#: Accepted lengths of a password. The upper limit bounds the work that anybody can cause.
SHORTEST, LONGEST = 8, 1024

# argon2id with parameters of the OWASP Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane.
# About 45 ms of one core (RFC 9106's second choice, argon2-cffi's default, costs 290 ms): 30
# logins at once take under a second on 2 cores and no more memory than two of them.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

_CONSONANTS, _VOWELS, _DIGITS = "bdfghjkmnprstvz", "aeiou", "23456789"


class PasswordError(ValueError):
    """An invalid password; the message says why."""


def check(password: str) -> None:
    """Refuse a password that is too short or too long.

    Raises
    ------
    PasswordError
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise PasswordError(
            f"the password has {len(password)} characters; {SHORTEST} to {LONGEST} are allowed"
        )


def hashed(password: str) -> str:
    """Returns the argon2id hash of a password, with its parameters and salt."""
    return _HASHER.hash(password)


@cache
def nobody() -> str:
    """Returns the hash that is checked for unknown accounts, so that these take the same time."""
    return hashed(secrets.token_hex(32))


def matches(hash_: str, password: str) -> bool:
    """Returns whether the password belongs to the hash; False for an invalid hash."""
    try:
        return _HASHER.verify(hash_, password)
    except (VerificationError, InvalidHashError):
        return False


def return_memory() -> None:
    """Make this process return the memory of each check to the system.

    glibc learns from the first 19 MiB block that it is given back to keep such blocks: 20 MiB a
    thread for ever. A fixed threshold ends that (mallopt(3), M_MMAP_THRESHOLD); with another C
    library nothing happens.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(-3, 1024**2)


def generate() -> str:
    """Returns a random password such as `bakuri-modape-tisoga-57`: 62 bits, easy to read aloud."""
    words = (
        "".join(secrets.choice(_CONSONANTS) + secrets.choice(_VOWELS) for _ in range(3))
        for _ in range(3)
    )
    number = "".join(secrets.choice(_DIGITS) for _ in range(2))
    return "-".join([*words, number])
