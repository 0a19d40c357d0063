"""A pause after failed logins: for a name from one address soon, for a name or an address later.

Neither names nor addresses are kept, only keyed hashes, and these as long as the pause.
"""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from django.utils.crypto import salted_hmac

from opendata.records.models import FailedLogin

WINDOW = timedelta(minutes=15)
#: Failures that are allowed within the window.
BOTH, NAME, ADDRESS = 5, 30, 60


def pause(name: str, address: str) -> int:
    """Return how many seconds a login has to wait, 0 for not at all."""
    now = timezone.now()
    longest = 0
    for key, allowed in _keys(name, address).items():
        times = list(
            FailedLogin.objects.filter(key=key, at__gt=now - WINDOW)
            .order_by("-at")
            .values_list("at", flat=True)[:allowed]
        )
        if len(times) == allowed:
            longest = max(longest, int((times[-1] + WINDOW - now).total_seconds()) + 1)
    return longest


def note(name: str, address: str) -> None:
    """Note a failure, and forget those that no longer count."""
    FailedLogin.objects.filter(at__lt=timezone.now() - WINDOW).delete()
    FailedLogin.objects.bulk_create(FailedLogin(key=key) for key in _keys(name, address))


def forget(name: str, address: str) -> None:
    """Forget the failures of a name from an address, where it got in."""
    FailedLogin.objects.filter(key=next(iter(_keys(name, address)))).delete()


def _keys(name: str, address: str) -> dict[str, int]:
    return {
        _hash("both", name.lower(), address): BOTH,
        _hash("name", name.lower()): NAME,
        _hash("address", address): ADDRESS,
    }


def _hash(*parts: str) -> str:
    return salted_hmac("opendata.login", "\0".join(parts), algorithm="sha256").hexdigest()
