"""Known devices: browsers in which an account has logged in before.

A signed cookie names the account. It does not log anybody in; it only exempts the browser from
limits that strangers can reach for an account (:mod:`opendata.accounts.throttle`).
"""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from opendata.accounts.models import User

COOKIE = "opendata_device"
#: Seconds for which a device is known after its last login.
MAX_AGE = 180 * 86400
#: Devices with limits of their own, per account. Whoever knew the password once may have made any
#: number of cookies; all of them together get no more attempts than this many devices.
SLOTS = 16
#: Accounts that one browser is known for.
_ACCOUNTS = 5
_SALT = "opendata.device"


def device_of(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """Returns the device from which a name is about to log in; empty for an unknown one.

    The cookie names the account by its key: whoever gets the name of a closed account is known
    nowhere.
    """
    known = _known(request)
    if not known:
        return ""
    name = str((credentials or {}).get("username") or "")
    key = User.objects.filter(username=name).values_list("pk", flat=True).first()
    slot = known.get(str(key))
    return "" if slot is None else f"{key}-{slot}"


def remember(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """Sets the cookie that makes this browser a known device of the account."""
    known = _known(request)
    slot = known.pop(str(user.pk), secrets.randbelow(SLOTS))
    kept = dict([*known.items(), (str(user.pk), slot)][-_ACCOUNTS:])
    response.set_cookie(
        COOKIE,
        signing.dumps(kept, salt=_SALT),
        max_age=MAX_AGE,
        path="/curate/login",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )


def _known(request: HttpRequest) -> dict[str, int]:
    """Returns the slots of a browser's cookie by account."""
    try:
        known = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=MAX_AGE)
    except signing.BadSignature:
        return {}
    return known if isinstance(known, dict) else {}
