"""Known devices: browsers in which a user has logged in with a password before.

A signed cookie names the users. It logs nobody in; it only exempts the browser from limits that
strangers can reach for a name or an address (`throttle.py`).
"""

from __future__ import annotations

import json
import secrets
from typing import Any

__all__ = ["DAYS", "SLOTS", "device_of", "remember"]

_COOKIE = "km3-device"
#: Days for which a device is known after its last login.
DAYS = 180
#: Devices with limits of their own, per user. Whoever knew the password once may have made any
#: number of cookies; all of them together get no more attempts than this many devices.
SLOTS = 16
#: Users that one browser is known for.
_USERS = 5


def _name(handler: Any) -> str:
    prefix = "__Host-" if handler.hub.cookie_name.startswith("__Host-") else ""
    return prefix + _COOKIE


def device_of(handler: Any, person: str) -> str:
    """Returns the device of a request; empty if it is unknown.

    Parameters
    ----------
    handler
        The handler of the request.
    person
        What is the same as long as the name belongs to the same person; empty: nobody.
    """
    slot = _known(handler).get(person) if person else None
    return "" if slot is None else str(slot)


def remember(handler: Any, person: str) -> None:
    """Make this browser a known device of a person who has just logged in."""
    known = _known(handler)
    slot = known.pop(person, secrets.randbelow(SLOTS))
    kept = dict([*known.items(), (person, slot)][-_USERS:])
    handler._set_cookie(
        _name(handler),
        json.dumps(kept),
        path=f"{handler.hub.base_url}login",
        expires_days=DAYS,
        samesite="Strict",
    )


def _known(handler: Any) -> dict[str, int]:
    value = handler.get_secure_cookie(_name(handler), max_age_days=DAYS)
    if value is None:  # missing, forged or too old
        return {}
    known: dict[str, int] = json.loads(value)
    return known
