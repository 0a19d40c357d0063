"""Names in the table of ANTARES events, as the published service and notebooks have them."""

from __future__ import annotations

from collections.abc import Sequence

#: Names of columns in cone searches, where they differ from those in queries.
LABELS: dict[str, dict[str, str]] = {
    "ant20_01.main": {
        "mjd": "MJD",
        "beta": "Beta",
        "nhit": "Nhit",
        "ra": "RA",
        "decl": "Decl",
        "id": "ID",
    }
}

_EXCEPTION, _EXCEPTION_TIME = 5888, 56574.7303


def identifiers(times: Sequence[float]) -> list[str]:
    """Returns names of events by their rank in time: ANT0001 and so on.

    There is one exception: KM3NeT's service calls the event of MJD 56574.7303 ANT5888, although it
    is the 5889th (output of the notebook `openkm3_VOservices` of the ESCAPE school 2021). It swaps
    names with its neighbour, so that published results can be compared by name.

    Parameters
    ----------
    times : sequence of float
        MJD, in ascending order.
    """
    names = [f"ANT{rank:04d}" for rank in range(1, len(times) + 1)]
    if len(times) > _EXCEPTION and times[_EXCEPTION] == _EXCEPTION_TIME:
        names[_EXCEPTION - 1 : _EXCEPTION + 1] = names[_EXCEPTION], names[_EXCEPTION - 1]
    return names
