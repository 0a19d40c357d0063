"""The pause after failed logins, as a handler of django-axes.

Three limits hold: a few failures of a name from one address, more of a name from any address, more
still from an address with any name. The pause of a name from one address, and of an address, gets
longer each time. django-axes has one limit and counts on while failures keep coming, so that
strangers could lock an account with fewer of them.

Strangers who guess from many addresses reach the limit of a name, and would lock its owner out. So
a browser in which the owner has logged in before (:mod:`opendata.accounts.device`) is exempt from
all three and has a limit of its own.

Neither names nor addresses are stored, only keyed hashes, and these for a day. An attempt during a
pause does not count: nobody can prolong it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address
from typing import Any

from axes.handlers.base import AxesHandler
from axes.helpers import get_client_username
from axes.models import AccessFailureLog
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from adqlite.clients import client_of
from opendata.accounts.device import device_of

#: Failures allowed within the window: of a name from an address, of a name, from an address.
BOTH, NAME, ADDRESS = 5, 30, 60
#: How long failures are remembered, which is also the longest pause.
REMEMBERED = timedelta(days=1)


def name_hash(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """Returns the keyed hash of the name that is about to log in (AXES_USERNAME_CALLABLE)."""
    name = str((credentials or {}).get("username") or "")
    return _digest("name", name.lower()).hex()


def address_hash(request: HttpRequest) -> str:
    """Returns a keyed hash of the client's address in the form of one (AXES_CLIENT_IP_CALLABLE).

    The address is that of the connection. uvicorn puts there what a proxy reports, for proxies
    that it trusts; no header is read here, as clients can write what they like into it. All
    addresses of one IPv6 network of 64 bits count as one, since one client can have all of them.
    """
    address = client_of(str(request.META.get("REMOTE_ADDR", "")))
    return str(IPv6Address(_digest("address", address)[:16]))


class Handler(AxesHandler):
    """Counts failures in the table of django-axes that has one row per failure."""

    def is_locked(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
        """Returns whether the login has to wait."""
        return pause(request, credentials) > 0

    def user_login_failed(
        self,
        sender: object,
        credentials: dict[str, Any],
        request: HttpRequest | None = None,
        **_: Any,
    ) -> None:
        """Stores a failure, and deletes those that no longer count."""
        if request is None:
            return
        if request.axes_locked_out:  # type: ignore[attr-defined]
            request.axes_credentials = credentials  # type: ignore[attr-defined]
            return
        AccessFailureLog.objects.filter(attempt_time__lt=timezone.now() - REMEMBERED).delete()
        name, address = get_client_username(request, credentials), request.axes_ip_address  # type: ignore[attr-defined]
        device = device_of(request, credentials)
        if device:
            # It must not count towards the limits of strangers.
            name, address = _of_device(device)
        AccessFailureLog.objects.create(username=name, ip_address=address)

    def user_logged_in(
        self, sender: object, request: HttpRequest, user: AbstractBaseUser, **_: Any
    ) -> None:
        """Deletes the failures of the name from this address, and of this device."""
        credentials = {"username": user.get_username()}
        next(_strangers(request, credentials)).rows.delete()
        device = device_of(request, credentials)
        if device:
            name, address = _of_device(device)
            AccessFailureLog.objects.filter(username=name, ip_address=address).delete()


@dataclass(frozen=True)
class _Limit:
    """The failures that one limit counts."""

    rows: QuerySet[AccessFailureLog]
    allowed: int
    #: Whether the pause doubles each time; not for limits that strangers can reach for others.
    grows: bool


def pause(request: HttpRequest, credentials: dict[str, Any] | None) -> int:
    """Returns how many seconds a login has to wait, 0 for not at all."""
    device = device_of(request, credentials)
    if device:
        name, address = _of_device(device)
        rows = AccessFailureLog.objects.filter(username=name, ip_address=address)
        return _seconds(_Limit(rows, BOTH, grows=True))
    return max(_seconds(limit) for limit in _strangers(request, credentials))


def _strangers(request: HttpRequest, credentials: dict[str, Any] | None) -> Iterator[_Limit]:
    """Yields the limits for browsers in which the owner of the name never logged in."""
    name = get_client_username(request, credentials)
    address = request.axes_ip_address  # type: ignore[attr-defined]
    rows = AccessFailureLog.objects
    yield _Limit(rows.filter(username=name, ip_address=address), BOTH, grows=True)
    yield _Limit(rows.filter(username=name), NAME, grows=False)
    yield _Limit(rows.filter(ip_address=address), ADDRESS, grows=True)


def _seconds(limit: _Limit) -> int:
    """Returns the rest of the pause that a limit demands, in seconds."""
    window: timedelta = settings.AXES_COOLOFF_TIME
    now = timezone.now()
    recent = limit.rows.filter(attempt_time__gt=now - REMEMBERED).order_by("-attempt_time")
    if not limit.grows:
        times = list(
            recent.filter(attempt_time__gt=now - window).values_list("attempt_time", flat=True)[
                : limit.allowed
            ]
        )
        # Until the oldest of them leaves the window.
        return _left(times[-1] + window, now) if len(times) == limit.allowed else 0
    times = list(recent.values_list("attempt_time", flat=True)[: limit.allowed])
    if len(times) < limit.allowed or times[0] - times[-1] >= window:
        return 0
    doublings = min(recent.count() // limit.allowed - 1, 20)
    longest = min(window * 2**doublings, REMEMBERED)
    # The first pause ends when the oldest failure leaves the window; later ones are counted from
    # the last failure.
    return _left(times[0] + longest if doublings else times[-1] + window, now)


def _left(end: datetime, now: datetime) -> int:
    return max(0, int((end - now).total_seconds()) + 1) if end > now else 0


def _of_device(device: str) -> tuple[str, str]:
    """Returns what is stored in place of name and address for a known device."""
    return _digest("device", device).hex(), str(IPv6Address(_digest("device", device)[16:]))


def _digest(*parts: str) -> bytes:
    return salted_hmac("opendata.login", "\0".join(parts), algorithm="sha256").digest()
