"""Reads and checks measured gamma-ray fluxes."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import astropy.units as u
import numpy as np
from astropy.io.registry import IORegistryError
from astropy.table import QTable, Table

from nugamma.errors import SourceError
from nugamma.sources.measured import differential

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = {
    "e_ref": u.Unit("TeV"),
    "dnde": u.Unit("cm-2 s-1 TeV-1"),
    "dnde_err": u.Unit("cm-2 s-1 TeV-1"),
}
"""Columns and their units, named as in gammapy and in the gamma-astro-data-formats."""


def read(path: Path, name: str) -> QTable:
    """Returns flux points from an ECSV, FITS or VOTable file.

    Parameters
    ----------
    path : Path
        A table of gammapy or GADF with units: dnde, e2dnde, flux, eflux or likelihood
        (`nugamma.sources.measured`). Other columns are ignored.
    name : str
        Name of the source, for messages.

    Raises
    ------
    SourceError
        If the file is missing or not a table, or `checked` refuses its content.
    """
    try:
        table = _table(path)
    except OSError as error:
        raise SourceError(f"{name}: flux points {path}: {error.strerror or error}") from None
    except Exception as error:  # astropy's readers raise whatever their parsers do
        raise SourceError(
            f"{name}: astropy cannot read the flux points {path}: {error}; "
            f"write an ECSV file with the columns {', '.join(COLUMNS)}"
        ) from None
    what = f"{name}: flux points {path}"
    if len(table) == 0:
        return checked(table, what)
    return checked(differential(table, what), what)


def _table(path: Path) -> Table:
    """Returns the table of a file; in FITS, the one that gammapy writes, else the first."""
    with warnings.catch_warnings():
        # astropy warns that it takes the first table, which is intended.
        warnings.filterwarnings("ignore", message="hdu= was not specified")
        warnings.filterwarnings("ignore", message="Specified hdu=FLUXPOINTS not found")
        try:
            return Table.read(path, hdu="FLUXPOINTS", format="fits")
        except (KeyError, OSError, IORegistryError, TypeError, ValueError):
            return Table.read(path)


def checked(table: QTable, what: str) -> QTable:
    """Returns the columns of `COLUMNS` in their units, ordered by energy.

    Parameters
    ----------
    table : QTable
        A table with units for every column.
    what : str
        Beginning of each message.

    Returns
    -------
    QTable
        It has the metadata of `table`.

    Raises
    ------
    SourceError
        If there are no rows, a column is missing or has a wrong unit, a value is not finite, or an
        energy or error is not positive.
    """
    if len(table) == 0:
        raise SourceError(f"{what} are empty; at least one point is needed, and four for a fit")
    points = QTable(meta=dict(table.meta))
    for column, unit in COLUMNS.items():
        if column not in table.colnames:
            raise SourceError(
                f"{what}: column {column} is missing; the columns are {table.colnames}"
            )
        points[column] = _converted(table[column], unit, f"{what}: column {column}")
    for column in ("e_ref", "dnde_err"):
        _refuse(points[column].value <= 0, f"{what}: column {column} is not positive")
    points.sort("e_ref")
    return points


def _converted(column: object, unit: u.Unit, what: str) -> u.Quantity:
    if not isinstance(column, u.Quantity):
        raise SourceError(f"{what} has no unit; it needs one like {unit}")
    try:
        quantity = column.to(unit)
    except u.UnitConversionError:
        raise SourceError(f"{what} has the unit {column.unit}; it needs one like {unit}") from None
    # A masked value is a missing one.
    values = np.ma.filled(getattr(quantity, "unmasked", quantity).value, np.nan)
    values = np.where(getattr(quantity, "mask", False), np.nan, values).astype(np.float64)
    bad = ~np.isfinite(values)
    if np.any(bad):
        rows = ", ".join(str(row + 1) for row in np.flatnonzero(bad))
        raise SourceError(f"{what} is not a finite number in row {rows}")
    return u.Quantity(values, unit)


def _refuse(bad: np.ndarray, what: str) -> None:
    if np.any(bad):
        rows = ", ".join(str(row + 1) for row in np.flatnonzero(bad))
        raise SourceError(f"{what} in row {rows}")
