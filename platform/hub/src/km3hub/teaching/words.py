"""Times in words, for the templates."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["as_time", "time_ago"]


def as_time(moment: float | datetime) -> datetime:
    """Returns the time for seconds since 1970, or for a time."""
    return moment if isinstance(moment, datetime) else datetime.fromtimestamp(moment, UTC)


def time_ago(moment: float | datetime, now: datetime | None = None) -> str:
    """Returns how long ago a moment was, such as `3 minutes ago`."""
    seconds = ((now or datetime.now(UTC)) - as_time(moment)).total_seconds()
    if seconds < 90:
        return "just now"
    if seconds < 5400:
        return f"{round(seconds / 60)} minutes ago"
    if seconds < 36 * 3600:
        return f"{round(seconds / 3600)} hours ago"
    return f"{round(seconds / 86400)} days ago"
