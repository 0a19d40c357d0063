"""Event identifiers as 64-bit numbers, which FITS event lists require.

KM3NeT's scheme for open event files: ``i ddd rrrrrr ffffff ttt`` in decimal digits; instrument
(1 KM3NeT, 2 ANTARES), detector, run, frame index, trigger counter. 19 digits that begin with 1 or
2 fit into a signed 64-bit number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

_KM3 = re.compile(r"km3(?:net)?\.(-?\d+)\.(\d+)\.(\d+)(?:\.(\d+))?", re.IGNORECASE)
_ANTARES = re.compile(r"ANT(\d+)")
_KM3NET, _ANTARES_CODE = 10**18, 2 * 10**18


def event_number(identifier: str) -> int | None:
    """Return the number of one identifier, None if its form is unknown or it does not fit.

    Parameters
    ----------
    identifier : str
        ``km3.<det>.<run>.<frame>.<trigger>``, ``km3net.<det>.<run>.<number>`` (as in the published
        ORCA file) or ``ANT<number>``.
    """
    if match := _ANTARES.fullmatch(identifier):
        number = int(match[1])
        return _ANTARES_CODE + number if number < 10**9 else None
    if match := _KM3.fullmatch(identifier):
        detector, run, frame, trigger = (int(part or 0) for part in match.groups())
        if 0 <= detector < 10**3 and run < 10**6 and frame < 10**6 and trigger < 10**3:
            return _KM3NET + detector * 10**15 + run * 10**9 + frame * 10**3 + trigger
    return None


def event_numbers(identifiers: Iterable[str]) -> NDArray[np.int64] | None:
    """Return the numbers of all identifiers, None unless all are known and different."""
    numbers = []
    for identifier in identifiers:
        number = event_number(identifier)
        if number is None:
            return None
        numbers.append(number)
    array = np.array(numbers, dtype=np.int64)
    return array if len(np.unique(array)) == len(array) else None
