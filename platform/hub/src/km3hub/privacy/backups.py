"""Until when backups contain what was erased."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

__all__ = ["CONFIGURATION", "backups_until", "last_day"]

#: Where a deployed machine describes its backups (deploy/roles/backup).
CONFIGURATION = Path("/etc/km3net/backup.json")
#: The longest time between two backups that restic keeps for a period, in days.
_LONGEST = {"daily": 1, "weekly": 7, "monthly": 31, "yearly": 366}


def last_day(keep: Mapping[str, object], today: date) -> date | None:
    """Returns the day on which the last backup of today is removed at the latest; None: never.

    Parameters
    ----------
    keep
        How many backups are kept by period, as in `backup_keep`.
    today
        The day of the last backup that contains the data.
    """
    days = 1
    for period, number in keep.items():
        if period == "last" and str(number).isdigit():
            days = max(days, int(str(number)))
        elif period in _LONGEST and str(number).isdigit():
            days = max(days, (int(str(number)) + 1) * _LONGEST[period])
        else:
            return None  # unlimited, or a period that is not known here
    return today + timedelta(days=days)


def backups_until(today: date, configuration: Path = CONFIGURATION) -> str:
    """Returns a sentence about the backups of this machine."""
    try:
        keep = json.loads(configuration.read_text(encoding="utf-8"))["keep"]
        until = last_day(keep, today)
    except FileNotFoundError:
        return (
            "No backups are set up by the platform on this machine; if you make your own, they"
            " still contain the data."
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return f"{configuration} cannot be read: look there for how long backups are kept."
    if until is None:
        return "Backups contain the data without limit in time: see backup_keep of the deployment."
    return f"Backups contain the data until {until:%Y-%m-%d} at the latest."
