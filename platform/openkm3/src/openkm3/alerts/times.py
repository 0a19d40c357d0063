"""Times as GCN (ISO 8601, UTC, usually with Z) and VOEvent (without Z) write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_PLAIN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def parsed_time(text: str) -> datetime:
    """Return the time of an ISO 8601 text, by default in UTC; raise ValueError if it is not one."""
    text = text.strip()
    # datetime has no leap seconds; the start of the next second is used instead.
    leap = re.fullmatch(r"(.*[T ]\d\d:\d\d:)60(\D.*)?", text)
    moment = datetime.fromisoformat(f"{leap[1]}59{leap[2] or ''}" if leap else text)
    moment += timedelta(seconds=1 if leap else 0)
    if "T" not in text.replace(" ", "T"):
        msg = "a date without time"
        raise ValueError(msg)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def voevent_time(text: str) -> str:
    """Return ``2024-09-01T01:16:47.0`` for GCN's ``2024-09-01T01:16:47.0Z``; all digits are kept.

    Other forms (a zone, a space) are converted to this one, with microseconds.
    """
    moment = parsed_time(text)
    if _PLAIN.fullmatch(text):
        return text[:-1]
    return moment.replace(tzinfo=None).isoformat()


def gcn_time(text: str) -> str:
    """Return VOEvent's time as GCN writes it; raise ValueError if it is not a time."""
    text = text.strip()
    plain = f"{text}Z"
    if _PLAIN.fullmatch(plain):
        parsed_time(plain)
        return plain
    return f"{parsed_time(text).replace(tzinfo=None).isoformat()}Z"
