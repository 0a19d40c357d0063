"""The pause after failed logins, as a handler of django-axes.

Three limits hold within a sliding window: a few failures of a name from one address, more of a name
from any address, more still from an address with any name. django-axes has one limit and counts
on while failures keep coming, so that strangers could lock an account with fewer of them.

Neither names nor addresses are stored, only keyed hashes, and these no longer than the pause. An
attempt during a pause does not count: nobody can prolong it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
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

#: Failures allowed within the window: of a name from an address, of a name, from an address.
BOTH, NAME, ADDRESS = 5, 30, 60


def name_hash(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """Returns the keyed hash of the name that is about to log in (AXES_USERNAME_CALLABLE)."""
    name = str((credentials or {}).get("username") or "")
    return _digest("name", name.lower()).hex()


def address_hash(request: HttpRequest) -> str:
    """Returns a keyed hash of the client's address in the form of one (AXES_CLIENT_IP_CALLABLE).

    The address is that of the connection. uvicorn puts there what a proxy reports, for proxies
    that it trusts; no header is read here, as clients can write what they like into it.
    """
    address = str(request.META.get("REMOTE_ADDR", ""))
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
        AccessFailureLog.objects.filter(attempt_time__lt=_begin()).delete()
        AccessFailureLog.objects.create(
            username=get_client_username(request, credentials),
            ip_address=request.axes_ip_address,  # type: ignore[attr-defined]
        )

    def user_logged_in(
        self, sender: object, request: HttpRequest, user: AbstractBaseUser, **_: Any
    ) -> None:
        """Deletes the failures of the name from this address."""
        rows, _limit = next(_counted(request, {"username": user.get_username()}))
        rows.delete()


def pause(request: HttpRequest, credentials: dict[str, Any] | None) -> int:
    """Returns how many seconds a login has to wait, 0 for not at all."""
    longest = 0
    for rows, limit in _counted(request, credentials):
        times = list(
            rows.filter(attempt_time__gt=_begin())
            .order_by("-attempt_time")
            .values_list("attempt_time", flat=True)[:limit]
        )
        if len(times) == limit:
            longest = max(longest, int((times[-1] - _begin()).total_seconds()) + 1)
    return longest


def _counted(
    request: HttpRequest, credentials: dict[str, Any] | None
) -> Iterator[tuple[QuerySet[AccessFailureLog], int]]:
    """Yields the failures that each limit counts, and the limit."""
    name = get_client_username(request, credentials)
    address = request.axes_ip_address  # type: ignore[attr-defined]
    rows = AccessFailureLog.objects
    yield rows.filter(username=name, ip_address=address), BOTH
    yield rows.filter(username=name), NAME
    yield rows.filter(ip_address=address), ADDRESS


def _begin() -> Any:
    window: timedelta = settings.AXES_COOLOFF_TIME
    return timezone.now() - window


def _digest(*parts: str) -> bytes:
    return salted_hmac("opendata.login", "\0".join(parts), algorithm="sha256").digest()
