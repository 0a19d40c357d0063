"""Tables of instrument responses in FITS files, checked before anything is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.table import Table

from nugamma.errors import ResponseError


def read_table(path: Path, columns: Mapping[str, u.UnitBase], hdu: str | int = 1) -> Table:
    """Read one table of a response.

    Parameters
    ----------
    path
        The FITS file.
    columns
        Columns that must be there, and units that theirs must be convertible to.
    hdu
        Name or number of the table in the file. gammapy looks for names that ARCA's do not carry.

    Raises
    ------
    ResponseError
        If there is no such file or table, a column is missing or has the wrong unit, or a number
        is negative, infinite or NaN.
    """
    try:
        with fits.open(path, memmap=False) as content:
            table = Table.read(content[hdu])
    except (OSError, KeyError, IndexError, TypeError, ValueError) as error:
        raise ResponseError(f"{path}: no table {hdu} can be read from it: {error}") from None
    for name, unit in columns.items():
        if name not in table.colnames:
            raise ResponseError(f"{path}: column {name} is missing, it has {table.colnames}")
        found = table[name].unit or u.one
        if not found.is_equivalent(unit):
            raise ResponseError(
                f"{path}: column {name} is in {found.to_string() or 'no unit'!s}, which is no "
                f"{unit.to_string() or 'plain number'}"
            )
        numbers = np.asarray(table[name])
        if not np.all(np.isfinite(numbers)):
            raise ResponseError(f"{path}: column {name} holds NaN or infinite numbers")
        if not name.startswith("DET") and np.any(numbers < 0):
            raise ResponseError(f"{path}: column {name} holds negative numbers")
    return table
