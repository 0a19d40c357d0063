"""Hashes of passwords, and passwords that people can read aloud."""

from __future__ import annotations

import ctypes
import secrets

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
    "return_memory",
]

#: Accepted lengths of a password. The upper one bounds the work that a stranger can ask for.
SHORTEST, LONGEST = 8, 1024

# argon2id as the OWASP Password Storage Cheat Sheet has it: 19 MiB, 2 passes, 1 lane. About 45 ms
# of one core (RFC 9106's second choice, argon2-cffi's default, costs 290 ms): 30 logins at once
# take under a second on 2 cores and no more memory than two of them.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

_CONSONANTS, _VOWELS, _DIGITS = "bdfghjkmnprstvz", "aeiou", "23456789"


class PasswordError(ValueError):
    """A password that cannot be used; the message says why."""


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
    """The argon2id hash of a password, with its parameters and salt."""
    return _HASHER.hash(password)


#: Stands in for the hash of accounts that do not exist, so that these cost the same to check.
NOBODY = hashed(secrets.token_hex(32))


def matches(hash_: str, password: str) -> bool:
    """Whether the password belongs to the hash; False too for a hash that is none."""
    try:
        return _HASHER.verify(hash_, password)
    except (VerificationError, InvalidHashError):
        return False


def return_memory() -> None:
    """Let this process give the memory of each check back to the system.

    glibc learns from the first 19 MiB block that it is given back to keep such blocks: 20 MiB a
    thread for ever. A fixed threshold ends that (mallopt(3), M_MMAP_THRESHOLD); with another C
    library nothing happens.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(-3, 1024**2)


def generate() -> str:
    """A random password such as `bakuri-modape-tisoga-57`: 62 bits, easy to read aloud."""
    words = (
        "".join(secrets.choice(_CONSONANTS) + secrets.choice(_VOWELS) for _ in range(3))
        for _ in range(3)
    )
    number = "".join(secrets.choice(_DIGITS) for _ in range(2))
    return "-".join([*words, number])
