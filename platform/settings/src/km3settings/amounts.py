"""Amounts of memory and disk, such as `2G`."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

__all__ = ["Memory", "in_bytes"]

_SIZE = r"^\d+(\.\d+)?\s*[KMGTkmgt]i?[Bb]?$"


def _memory(value: str) -> str:
    if not re.match(_SIZE, value):
        raise ValueError("is not an amount of memory; write a number and a unit, e.g. 2G or 512M")
    amount = re.sub(r"\s", "", value).upper().removesuffix("B").replace("I", "")
    if not float(amount[:-1]):
        raise ValueError("must be more than nothing, e.g. 2G")
    return amount


def in_bytes(amount: str) -> int:
    """An amount such as `2G` in bytes; units are powers of 1024, as in Docker's limits."""
    return int(float(amount[:-1]) * 1024 ** ("KMGT".index(amount[-1]) + 1))


def _as_text(value: object) -> object:
    # YAML reads `memory: 2` as a number; the rule for amounts can then explain the missing unit.
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


#: A number and a unit; powers of 1024, as in Docker's limits.
Memory = Annotated[
    str,
    BeforeValidator(_as_text),
    AfterValidator(_memory),
    WithJsonSchema({"type": "string", "pattern": _SIZE, "examples": ["2G", "512M"]}),
]
