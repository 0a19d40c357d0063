"""Times of GCN (ISO 8601, UTC, mostly with Z) and of VOEvent (the same without Z)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_PLAIN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def parsed_time(text: str) -> datetime:
    """Return the time; without a zone it is UTC. Raises ValueError."""
    text = text.strip()
    # A leap second is a moment that datetime does not have: the next second begins there.
    leap = re.fullmatch(r"(.*[T ]\d\d:\d\d:)60(\D.*)?", text)
    moment = datetime.fromisoformat(f"{leap[1]}59{leap[2] or ''}" if leap else text)
    moment += timedelta(seconds=1 if leap else 0)
    if "T" not in text.replace(" ", "T"):
        msg = "a date without time"
        raise ValueError(msg)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def voevent_time(text: str) -> str:
    """Return ``2024-09-01T01:16:47.0`` for GCN's ``2024-09-01T01:16:47.0Z``; all digits are kept.

    Other ways of writing (a zone, a space) become this one, to microseconds.
    """
    moment = parsed_time(text)
    if _PLAIN.fullmatch(text):
        return text[:-1]
    return moment.replace(tzinfo=None).isoformat()


def gcn_time(text: str) -> str:
    """Return VOEvent's time as GCN writes it; raises ValueError where it is none."""
    text = text.strip()
    plain = f"{text}Z"
    if _PLAIN.fullmatch(plain):
        parsed_time(plain)
        return plain
    return f"{parsed_time(text).replace(tzinfo=None).isoformat()}Z"
