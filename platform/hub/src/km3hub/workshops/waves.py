"""Starting the servers of a workshop ahead, in waves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import httpx

from km3hub.workshops.hub import AdminHub, HubError
from km3visit.errors import VisitError
from km3visit.server import start_server
from km3visit.site import Person

__all__ = ["Waves", "start_in_waves"]


@dataclass
class Waves:
    """What became of the servers."""

    started: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    """The reason by account, after the second try."""


async def start_in_waves(
    hub: AdminHub,
    accounts: Sequence[str],
    *,
    choice: Mapping[str, str],
    wave: int,
    limit: float,
    report: Callable[[str], None],
) -> Waves:
    """Start servers, `wave` at a time; the next wave begins when the one before is up.

    A start that fails is tried once more, together with the others of its wave. A server that is
    running already counts as started.

    Parameters
    ----------
    hub
        The hub.
    accounts
        Whose servers.
    choice
        Environment and size.
    wave
        How many at a time.
    limit
        Seconds that one start may take.
    report
        Called with a line per wave and per failure.

    Raises
    ------
    HubError
        If the hub does not answer at all.
    """
    result = Waves()
    numbers = range(0, len(accounts), wave)
    for number, first in enumerate(numbers, start=1):
        members = accounts[first : first + wave]
        began = time.monotonic()
        failures = await _start_all(hub, members, choice, limit)
        if failures:
            names = ", ".join(failures)
            report(f"wave {number}: {names} failed and will be tried again")
            failures = await _start_all(hub, list(failures), choice, limit)
        result.failed |= failures
        result.started += [name for name in members if name not in failures]
        report(
            f"wave {number} of {len(numbers)}: {len(members) - len(failures)} of {len(members)}"
            f" servers are running ({time.monotonic() - began:.0f} s)"
        )
        for name, reason in failures.items():
            report(f"  {name}: {reason}")
    return result


async def _start_all(
    hub: AdminHub, accounts: Sequence[str], choice: Mapping[str, str], limit: float
) -> dict[str, str]:
    """Returns the reasons of those that did not start."""
    reasons = await asyncio.gather(*(_start(hub, name, choice, limit) for name in accounts))
    return {name: reason for name, reason in zip(accounts, reasons, strict=True) if reason}


async def _start(hub: AdminHub, name: str, choice: Mapping[str, str], limit: float) -> str:
    try:
        # Whoever has never logged in is no user of the hub yet.
        await hub.require_user(name)
        await start_server(Person(hub.site, name, hub.token), choice, limit=limit)
    except (VisitError, HubError) as error:
        return str(error)
    except (httpx.HTTPError, OSError) as error:
        return f"the connection to the hub failed: {str(error) or type(error).__name__}"
    return ""
