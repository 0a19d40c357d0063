"""A table of a few rows, many of whose values are missing."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings

from adqlite.queries.engine import Engine
from adqlite.tables.metadata import Column

NAMES = ("k", "i", "j", "x", "s", "ra", "dec")

ROWS: list[tuple[Any, ...]] = [
    (0, 3, 7, 0.5, "ab", 10.0, 20.0),
    (1, None, -2, 2.25, "AB", 200.0, -45.0),
    (2, 0, None, None, "", None, 10.0),
    (3, -5, 1, -1.0, None, 359.5, 89.0),
    (4, 1, 0, 0.0, "é_b", 0.5, None),
    (5, None, None, 1e10, "aÉb%", 45.0, 0.0),
    (6, 2, 1, 1.0, "b", 180.0, -90.0),
]


def ask(engine: Engine, query: str) -> tuple[list[tuple[Any, ...]], list[Column]]:
    with engine.run(query, seconds=20) as result:
        return list(result.rows), result.columns


def rows() -> list[dict[str, Any]]:
    return [dict(zip(NAMES, row, strict=True)) for row in ROWS]


slow = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
