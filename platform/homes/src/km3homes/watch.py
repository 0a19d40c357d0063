"""What the service does by itself: apply new settings, purge, enforce limits again."""

from __future__ import annotations

import asyncio
import logging
import time

from km3homes.limits import Limits
from km3homes.service import Homes

__all__ = ["watch"]

#: Seconds between two checks of the settings and of users' btrfs subvolumes.
INTERVAL = 5.0
#: Seconds between two rounds that read all homes.
HOUR = 3600.0

_log = logging.getLogger("km3homes.watch")


async def watch(homes: Homes, limits: Limits) -> None:
    """Check every few seconds, for ever."""
    next_round = 0.0
    while True:
        await asyncio.to_thread(check_once, homes, limits)
        if time.monotonic() >= next_round:
            await asyncio.to_thread(look_at_everything, homes)
            next_round = time.monotonic() + HOUR
        await asyncio.sleep(INTERVAL)


def check_once(homes: Homes, limits: Limits) -> None:
    """Apply changed settings, and stop subvolumes that users created."""
    if limits.changed():
        _log.info("applying new limits")
        homes.apply_all()
    homes.confine_all("btrfs")


def look_at_everything(homes: Homes) -> None:
    """Purge, and let limits follow homes that contained more than was allowed."""
    homes.purge_all()
    homes.confine_all("xfs")
    homes.apply_all()
