"""Public neutrino events as a published table: real data with known answers."""

from __future__ import annotations

from pathlib import Path

from astropy.table import Table

from adqlite import Schema, TableColumn, TableStore
from adqlite import Table as Described

_EXAMPLE = (
    "SELECT *, DISTANCE(POINT('ICRS', ra, decl), POINT('ICRS', 20, 30)) AS dist\n"
    "FROM ant20_01.main\n"
    "WHERE 1 = CONTAINS(POINT('ICRS', ra, decl), CIRCLE('ICRS', 20, 30, 2))\nORDER BY dist"
)
SCHEMA = Schema(
    name="ant20_01",
    tables=(
        Described(
            name="main",
            description="Neutrino candidates",
            columns=(
                TableColumn(
                    name="mjd",
                    label="MJD",
                    datatype="double",
                    unit="d",
                    ucd="time.epoch",
                    indexed=True,
                ),
                TableColumn(
                    name="beta", label="Beta", datatype="double", unit="deg", ucd="stat.error"
                ),
                TableColumn(
                    name="nhit", label="Nhit", datatype="int", ucd="phys.energy", indexed=True
                ),
                TableColumn(
                    name="ra",
                    label="RA",
                    datatype="double",
                    unit="deg",
                    ucd="pos.eq.ra;meta.main",
                ),
                TableColumn(
                    name="decl",
                    label="Decl",
                    datatype="double",
                    unit="deg",
                    ucd="pos.eq.dec;meta.main",
                ),
                TableColumn(
                    name="id",
                    label="ID",
                    datatype="char",
                    arraysize="*",
                    ucd="meta.id;meta.main",
                    indexed=True,
                ),
            ),
            examples={
                "Events with many hits": "SELECT * FROM ant20_01.main WHERE nhit > 150",
                "Events within 2 degrees of a position": _EXAMPLE,
            },
        ),
    ),
)


def publish(folder: Path, file: Path) -> None:
    """Publish the file: right ascension, declination, hits, uncertainty and time; no header."""
    names = ["ra", "decl", "nhit", "beta", "mjd"]
    table = Table.read(file, format="ascii.no_header", names=names)
    table.sort("mjd", kind="stable")
    table["id"] = [f"ANT{rank:04d}" for rank in range(1, len(table) + 1)]
    order = [column.name for column in SCHEMA.tables[0].columns]
    TableStore(folder).publish(SCHEMA, {"main": ([row[key] for key in order] for row in table)})
