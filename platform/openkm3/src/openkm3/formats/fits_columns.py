"""The columns of FITS tables, with the standard's marks for missing values of each type."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import FormatError
from . import limits
from .columns import ColumnData, Meaning
from .references import referred
from .texts import decoded, text

if TYPE_CHECKING:
    from astropy.io.fits import BinTableHDU, Header


def table(path: Path, hdu: BinTableHDU) -> dict[str, ColumnData]:
    """Return the columns of a binary table.

    Raises
    ------
    FormatError
        If it is truncated or too large, or a column has a type that is not supported.
    """
    header: Header = hdu.header
    rows, width = int(header["NAXIS2"]), int(header["NAXIS1"])
    limits.check_size(path, hdu.name or "table", rows * width)
    available = path.stat().st_size - hdu.fileinfo()["datLoc"]
    if rows * width + int(header.get("PCOUNT", 0)) > available:
        raise FormatError(path, f"{hdu.name} is truncated: the header declares {rows} rows")
    content = {}
    native = _times(hdu)
    for field in hdu.columns:
        try:
            content[field.name] = native.get(field.name) or _content(hdu, field)
        except TypeError as error:
            raise FormatError(path, f"column {field.name!r} of {hdu.name}: {error}") from None
    return referred(content, header)


def text_table(hdu: Any) -> dict[str, ColumnData]:
    """Return the columns of an ASCII table, with its mark for missing values (TNULL)."""
    content = {}
    for field in hdu.columns:
        shown = np.char.strip(decoded(_raw(hdu, field)))
        null = str(field.null or "").strip()
        gone = shown == null if null else None
        values = shown if field.format.format == "A" else np.asarray(hdu.data[field.name])
        content[field.name] = ColumnData.make(values, gone, field.unit)
    return referred(content, hdu.header)


def _times(hdu: BinTableHDU) -> dict[str, ColumnData]:
    """Return the columns that the standard marks as times (TCTYP), as astropy reads them."""
    from astropy.table import Table
    from astropy.time import Time

    if not any(key.startswith(("TCTYP", "TRPOS")) for key in hdu.header):
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about missing locations
        native = Table.read(hdu, astropy_native=True)
    return {
        name: ColumnData.of(native[name])
        for name in native.colnames
        if isinstance(native[name], Time)
    }


def _content(hdu: BinTableHDU, field: Any) -> ColumnData:
    """Return a column with its missing values: TNULL, NUL in logical values and text."""
    raw = _raw(hdu, field)
    meaning = Meaning(ucd=str(hdu.header.get(f"TUCD{_number(hdu, field)}", "")))
    if field.format.format == "A" and raw.dtype.kind == "S":
        values = np.char.rstrip(decoded(raw), " ")
        return ColumnData.make(values, raw == b"", field.unit, meaning)
    values = np.asarray(hdu.data[field.name])
    mask = None
    if values.dtype.kind == "O":
        return ColumnData.make(_rows(values, field), None, field.unit, meaning)
    if field.format.format == "L" and raw.dtype.kind in "iu":
        mask = raw == 0
    elif field.null not in (None, "") and raw.dtype.kind in "iu":
        mask = raw == int(field.null)
        if not mask.any() and field.bzero:
            # For unsigned columns astropy writes the null as a value, not as the stored number.
            mask = values == int(field.null)
    if mask is not None and mask.shape != values.shape:
        mask = mask.reshape(values.shape)
    return ColumnData.make(values, mask, field.unit, meaning)


def _rows(values: np.ndarray[Any, Any], field: Any) -> np.ndarray[Any, Any]:
    """Return rows of varying length: characters as one text, missing numbers masked."""
    result = np.empty(len(values), dtype=object)
    for number, row in enumerate(values):
        each = np.asarray(row)
        if each.dtype.kind in "SU":
            result[number] = "".join(text(letter) for letter in each.ravel().tolist())
        elif field.null not in (None, "") and each.dtype.kind in "iu":
            result[number] = np.ma.array(each, mask=each == int(field.null))
        else:
            result[number] = each
    return result


def _raw(hdu: BinTableHDU, field: Any) -> np.ndarray[Any, Any]:
    """Return the stored array, before TSCAL, TZERO and conversions are applied."""
    return np.asarray(hdu.data.view(np.ndarray)[field.name])


def _number(hdu: BinTableHDU, field: Any) -> int:
    return int(hdu.columns.names.index(field.name)) + 1
