"""Reads and checks tables of instrument responses in FITS files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.table import Table

from nugamma.errors import ResponseError


def read_table(path: Path, columns: Mapping[str, u.UnitBase], hdu: str | int = 1) -> Table:
    """Reads one table of a response.

    Parameters
    ----------
    path
        The FITS file.
    columns
        Required columns, and units to which theirs must be convertible.
    hdu
        Name or number of the table in the file; ARCA's files lack the names that gammapy expects.

    Raises
    ------
    ResponseError
        If the file or table does not exist, a column is missing or has a wrong unit, a number is
        negative or not finite, or the shape of an array does not match its axes.
    """
    try:
        with fits.open(path, memmap=False) as content:
            table = Table.read(content[hdu])
    except Exception as error:  # astropy raises whatever its parsers do
        raise ResponseError(f"{path}: table {hdu} cannot be read: {error}") from None
    for name, unit in columns.items():
        if name not in table.colnames:
            raise ResponseError(
                f"{path}: column {name} is missing, the columns are {table.colnames}"
            )
        found = table[name].unit or u.one
        if table[name].dtype.kind not in "fiu":
            raise ResponseError(f"{path}: column {name} does not contain numbers")
        if not found.is_equivalent(unit):
            raise ResponseError(
                f"{path}: column {name} has the unit {found.to_string() or 'none'}, which cannot "
                "be "
                f"converted to {unit.to_string() or 'a plain number'}"
            )
        numbers = np.asarray(table[name])
        if not np.all(np.isfinite(numbers)):
            raise ResponseError(f"{path}: column {name} has non-finite numbers")
        if not name.startswith("DET") and np.any(numbers < 0):
            raise ResponseError(f"{path}: column {name} has negative numbers")
    _check_axes(path, table, hdu)
    return table


def _check_axes(path: Path, table: Table, hdu: str | int) -> None:
    """Refuses axes that do not ascend, and arrays whose axes are not in GADF's order.

    The energy is the first axis in FITS and the last in NumPy, except for backgrounds, where it is
    the other way round (https://gamma-astro-data-formats.readthedocs.io, IRF components).
    """
    if len(table) != 1:
        raise ResponseError(f"{path}: table {hdu} has {len(table)} rows instead of one")
    names = set(table.colnames)
    axes = [n[:-3] for n in table.colnames if n.endswith("_LO") and f"{n[:-3]}_HI" in names]
    for axis in axes:
        low, high = (np.ravel(table[f"{axis}_{end}"]) for end in ("LO", "HI"))
        if low.shape != high.shape or np.any(high < low) or np.any(np.diff(low) <= 0):
            raise ResponseError(
                f"{path}: the bins of {axis} in table {hdu} do not ascend; check {axis}_LO and "
                f"{axis}_HI"
            )
    for name in table.colnames:
        shape = table[name].shape[1:]
        if name[-3:] in {"_LO", "_HI"} or not shape:
            continue
        order = sorted(axes, key=lambda axis: (axis == "ENERG") == (name == "BKG"))[::-1]
        needed = tuple(np.size(table[f"{axis}_LO"]) for axis in order)
        if shape != needed:
            raise ResponseError(
                f"{path}: column {name} has the shape {shape}, but its axes {', '.join(order)} "
                "need "
                f"{needed}: axes are swapped, or the table is truncated"
            )
