"""When the periods of quotas begin and end, in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from km3settings.usage import Period

__all__ = ["first_day", "months_before", "renewal"]


def first_day(period: Period, now: float) -> date:
    """Returns the first day of the period that contains the moment `now` (seconds since 1970)."""
    today = datetime.fromtimestamp(now, UTC).date()
    if period == "week":
        return today - timedelta(days=today.weekday())
    return today.replace(day=1) if period == "month" else today


def renewal(period: Period, now: float) -> date:
    """Returns the first day of the next period."""
    first = first_day(period, now)
    if period == "month":
        return (first + timedelta(days=32)).replace(day=1)
    return first + timedelta(days=7 if period == "week" else 1)


def months_before(now: float, number: int) -> date:
    """Returns the first day of the month that was `number` months before that of `now`."""
    today = datetime.fromtimestamp(now, UTC).date()
    years, month = divmod(today.year * 12 + today.month - 1 - number, 12)
    return date(years, month + 1, 1)
