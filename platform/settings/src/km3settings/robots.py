"""How often robots try the tutorials and the data services."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from km3settings.section import Section

__all__ = ["Interval", "Robots", "in_seconds"]

_PATTERN = r"^[1-9]\d{0,3}\s*[mhd]$"
_UNITS = {"m": 60, "h": 3600, "d": 86400}
#: Seconds: a round takes minutes and a server.
_SHORTEST = 1800


def in_seconds(interval: str) -> int:
    """Returns an interval such as `6h` in seconds."""
    return int(interval[:-1]) * _UNITS[interval[-1]]


def _interval(value: str) -> str:
    if not re.match(_PATTERN, value):
        raise ValueError("is not an interval; write a number and a unit, e.g. 6h, 90m or 1d")
    short = re.sub(r"\s", "", value)
    if in_seconds(short) < _SHORTEST:
        raise ValueError("is too short; a round takes minutes: write at least 30m, e.g. 6h")
    return short


def _as_text(value: object) -> object:
    # YAML reads `every: 6` as a number; the rule can then explain the missing unit.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


#: A number and a unit: m, h or d.
Interval = Annotated[
    str,
    BeforeValidator(_as_text),
    AfterValidator(_interval),
    WithJsonSchema({"type": "string", "pattern": _PATTERN, "examples": ["6h", "1d"]}),
]


class Robots(Section):
    """Robots that try the tutorials and the data services as a user does."""

    every: Interval | None = None
    """How often the hub lets them, e.g. 6h; null: only `km3hub robots run` does."""
