"""Column names that a format cannot hold as they are, and the way back."""

from __future__ import annotations

import re
from collections.abc import Iterable


def storable(names: Iterable[str], *, upper: bool = False) -> dict[str, str]:
    """Return, for each name, one of letters, digits and underscores only; unique without case.

    ``Log(E1/GeV)`` becomes ``Log_E1_GeV``. FITS compares names without case and PyTables refuses
    the slash; writers note the original names and readers restore them.
    """
    taken: set[str] = set()
    result = {}
    for name in names:
        base = re.sub(r"\W+", "_", name).strip("_") or "column"
        base = base.upper() if upper else base
        if base[0].isdigit():
            base = f"c_{base}"
        candidate, number = base, 2
        while candidate.lower() in taken:
            candidate, number = f"{base}_{number}", number + 1
        taken.add(candidate.lower())
        result[name] = candidate
    return result
