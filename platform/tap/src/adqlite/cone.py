"""Simple Cone Search 1.03 on any table with a main position."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from adqlite.errors import NotFound, VOError
from adqlite.queries.engine import Engine, Result
from adqlite.tables.metadata import Column, Schema, Table

# The standard requires UCDs of the first version for these columns; others keep theirs.
_OLD_UCDS = {
    "pos.eq.ra;meta.main": "POS_EQ_RA_MAIN",
    "pos.eq.dec;meta.main": "POS_EQ_DEC_MAIN",
    "meta.id;meta.main": "ID_MAIN",
}
# float() would also accept 1_000 and nan.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_TURNS = 360_000.0  # deg; a larger right ascension would lose digits
DISTANCE = Column(
    name="_r",
    datatype="double",
    unit="deg",
    ucd="pos.distance",
    description="Distance from the centre of the cone",
)


def cone_table(engine: Engine, schema_name: str, table_name: str) -> tuple[Schema, Table]:
    """Returns a table with positions.

    Raises
    ------
    NotFound
    """
    schema = engine.store.schema(schema_name)
    table = schema.table(table_name) if schema else None
    if schema is None or table is None or table.position is None:
        raise NotFound(f"there is no table {schema_name}.{table_name} with positions")
    return schema, table


def parameter(given: Mapping[str, str], name: str, low: float, high: float) -> float:
    """Returns a number from the parameters of a request, whose names are in upper case."""
    text = given.get(name, "").strip()
    if not text:
        raise VOError(f"the parameter {name} is missing; give decimal degrees, as in {name}=20.5")
    if not _NUMBER.fullmatch(text):
        raise VOError(f"{name}={text[:40]!r} is not a number of degrees")
    value = float(text)
    if not low <= value <= high:
        raise VOError(f"{name}={text[:40]} is not within {low:g} to {high:g} deg")
    return value


@contextmanager
def cone_search(
    engine: Engine, schema_name: str, table_name: str, given: Mapping[str, str]
) -> Iterator[Result]:
    """Searches a cone; rows are sorted by distance.

    Parameters
    ----------
    engine : Engine
    schema_name, table_name : str
    given : mapping of str to str
        RA, DEC, SR in degrees, optionally VERB and MAXREC.

    Raises
    ------
    VOError
        A parameter is missing or wrong.
    """
    schema, table = cone_table(engine, schema_name, table_name)
    ra = parameter(given, "RA", -_TURNS, _TURNS) % 360  # right ascensions wrap around
    dec = parameter(given, "DEC", -90, 90)
    radius = parameter(given, "SR", 0, 180)
    verbosity = given.get("VERB", "2").strip() or "2"
    if verbosity not in {"1", "2", "3"}:
        raise VOError(f"VERB={verbosity[:20]!r} is not 1, 2 or 3")
    columns = [c for c in table.columns if verbosity != "1" or (c.ucd or "").lower() in _OLD_UCDS]
    lon, lat = (f'"{name}"' for name in table.position or ())
    # Safe to insert: the numbers were parsed, the names come from the description.
    point, centre = f"POINT('ICRS', {lon}, {lat})", f"POINT('ICRS', {ra!r}, {dec!r})"
    names = ", ".join(f'"{c.name}"' for c in columns)
    query = (
        f"SELECT DISTANCE({point}, {centre}) AS dist, {names} "  # noqa: S608
        f"FROM {schema.name}.{table.name} "
        f"WHERE 1 = CONTAINS({point}, CIRCLE('ICRS', {ra!r}, {dec!r}, {radius!r})) ORDER BY dist"
    )
    maxrec = None
    if given.get("MAXREC", "").strip():
        maxrec = max(0, int(parameter(given, "MAXREC", 0, 1e9)))
    if radius == 0:
        maxrec = 0  # SCS 1.03, section 2.1: the description alone
    with engine.run(query, seconds=engine.limits.sync_seconds, maxrec=maxrec) as result:
        described = [
            c.model_copy(
                update={
                    "ucd": _OLD_UCDS.get((c.ucd or "").lower(), c.ucd),
                    "name": c.label or c.name,
                }
            )
            for c in columns
        ]
        result.columns = [DISTANCE, *described]
        result.description = table.description
        if radius == 0:
            result.rows, result.overflow = iter(()), False
        yield result
