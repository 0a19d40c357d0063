"""The public events of ANTARES, 2007 to 2017, as the table ant20_01.main.

The table has the names, order and units of the service that published notebooks use. Events are
named by their rank in time; the four pairs of equal times keep the order of the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from adqlite.errors import MetadataError
from adqlite.tables.metadata import Schema, Table, TableColumn
from adqlite.tables.storage import TableStore

_COLUMNS = 5
_EXCEPTION, _EXCEPTION_TIME = 5888, 56574.7303

SCHEMA = Schema(
    name="ant20_01",
    title="ANTARES 2007-2017 point source sample",
    description=(
        "Track-like neutrino candidates of the ANTARES neutrino telescope from 2007 to 2017, "
        "selected for searches of cosmic neutrino point sources"
    ),
    tables=(
        Table(
            name="main",
            title="ANTARES 2007-2017 events",
            description=(
                "Neutrino candidates of ANTARES, 2007 to 2017: direction, its uncertainty, number "
                "of hits and time"
            ),
            columns=(
                TableColumn(
                    name="mjd",
                    label="MJD",
                    datatype="double",
                    unit="d",
                    ucd="time.epoch",
                    indexed=True,
                    description="Time of the event (MJD, UTC)",
                ),
                TableColumn(
                    name="beta",
                    label="Beta",
                    datatype="double",
                    unit="deg",
                    ucd="stat.error",
                    description="Estimated angular uncertainty of the direction",
                ),
                TableColumn(
                    name="nhit",
                    label="Nhit",
                    datatype="int",
                    ucd="phys.energy",
                    indexed=True,
                    description="Number of hits in the track fit, a measure of energy",
                ),
                TableColumn(
                    name="ra",
                    label="RA",
                    datatype="double",
                    unit="deg",
                    ucd="pos.eq.ra;meta.main",
                    description="Right ascension (J2000)",
                ),
                TableColumn(
                    name="decl",
                    label="Decl",
                    datatype="double",
                    unit="deg",
                    ucd="pos.eq.dec;meta.main",
                    description="Declination (J2000)",
                ),
                TableColumn(
                    name="id",
                    label="ID",
                    datatype="char",
                    arraysize="*",
                    ucd="meta.id;meta.main",
                    indexed=True,
                    description="Name of the event: its rank in time",
                ),
            ),
            examples={
                "Events with many hits": "SELECT * FROM ant20_01.main WHERE nhit > 150",
                "Events within 2 degrees of a position": (
                    "SELECT *, DISTANCE(POINT('ICRS', ra, decl), POINT('ICRS', 20, 30)) AS dist\n"
                    "FROM ant20_01.main\n"
                    "WHERE 1 = CONTAINS(POINT('ICRS', ra, decl), CIRCLE('ICRS', 20, 30, 2))\n"
                    "ORDER BY dist"
                ),
            },
        ),
    ),
)


def read(path: Path) -> list[tuple[float, float, int, float, float, str]]:
    """Read the file of events: right ascension, declination, hits, beta, MJD; no header.

    Raises
    ------
    MetadataError
        A line does not have five numbers.
    """
    events = []
    for number, line in enumerate(
        path.read_text(encoding="ascii", errors="replace").splitlines(), 1
    ):
        words = line.split()
        if not words:
            continue
        try:
            ra, decl, nhit, beta, mjd = map(float, words)
        except ValueError:
            raise MetadataError(
                f"{path.name}, line {number}: expected {_COLUMNS} numbers "
                f"(RA, Decl, Nhit, Beta, MJD), found {line[:80]!r}"
            ) from None
        events.append((mjd, beta, int(nhit), ra, decl))
    events.sort(key=lambda event: event[0])
    names = identifiers([event[0] for event in events])
    return [(*event, name) for event, name in zip(events, names, strict=True)]


def identifiers(times: Sequence[float]) -> list[str]:
    """Name events by their rank in time, `times` being in order: ANT0001 and so on.

    One exception: KM3NeT's service calls the event of MJD 56574.7303 ANT5888, although it is the
    5889th (output of the notebook `openkm3_VOservices` of the ESCAPE school 2021). It changes names
    with its neighbour, so that published results can be compared by name.
    """
    names = [f"ANT{rank:04d}" for rank in range(1, len(times) + 1)]
    if len(times) > _EXCEPTION and times[_EXCEPTION] == _EXCEPTION_TIME:
        names[_EXCEPTION - 1 : _EXCEPTION + 1] = names[_EXCEPTION], names[_EXCEPTION - 1]
    return names


def publish(store: TableStore, path: Path) -> Schema:
    """Publish the file of events."""
    return store.publish(SCHEMA, {"main": read(path)})
