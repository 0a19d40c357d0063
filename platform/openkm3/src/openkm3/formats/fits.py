"""FITS: tables, and event lists that gammapy and other gamma-ray software read.

A table with sky positions becomes an ``EVENTS`` extension of GADF 0.3, or ``event-list`` of VODF.
The columns that the standard requires (EVENT_ID, TIME, RA, DEC, ENERGY) come first, all others
follow. Columns added for the standard are noted, and removed again on reading.

Standards: gamma-astro-data-formats.readthedocs.io (GADF), vodf.readthedocs.io (VODF, draft).
"""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import FormatError
from . import fits_columns, limits
from .columns import ColumnData
from .dataset import DataSet, parsed, to_json
from .eventlist import Profile, Request, standard
from .names import storable
from .packing import Capacity, blanked, null_value, pack, unpack
from .references import header_of
from .roles import has_choice
from .tables import columns, to_table
from .texts import encoded

if TYPE_CHECKING:
    from astropy.io.fits import BinTableHDU
    from astropy.table import Table

    from ..metadata import Annotation

#: The type codes of FITS, and the TZERO that makes a type unsigned.
_CODES = {
    "bool": ("L", 0),
    "uint8": ("B", 0),
    "int16": ("I", 0),
    "int32": ("J", 0),
    "int64": ("K", 0),
    "uint16": ("I", 2**15),
    "uint32": ("J", 2**31),
    "uint64": ("K", 2**63),
    "float32": ("E", 0),
    "float64": ("D", 0),
    "complex64": ("C", 0),
    "complex128": ("M", 0),
}
_UNSIGNED = frozenset({"uint16", "uint32", "uint64"})


def _has_no_null(data: ColumnData) -> bool:
    """Return whether readers cannot recognise missing values; most read null logicals as False."""
    if data.mask is None or data.kind not in "iubO":
        return False
    return data.kind in "bO" or null_value(data.values, data.mask) is None


def _comes_back(data: ColumnData) -> bool:
    """Return whether texts are read back unchanged: FITS drops trailing blanks and NUL."""
    return not any(t.endswith(" ") or "\0" in t for t in data.values.ravel().tolist())


_CAPACITY = Capacity(
    types=frozenset([*_CODES, "text", "text[]", "varying"]),
    flags=_has_no_null,
    texts=_comes_back,
    # Readers disagree on whether TNULL of unsigned columns applies before or after TZERO.
    masked=frozenset([*_CODES, "text", "text[]"]) - _UNSIGNED,
)

#: Extension that holds our metadata as JSON.
ANNOTATION = "KM3_ANNOTATION"


def read(path: Path) -> DataSet:
    """Read all tables and the metadata.

    Raises
    ------
    FormatError
        If the file is damaged, truncated, compressed, or not FITS.
    """
    from astropy.io import fits

    _check(path)
    texts: dict[str, Any] = {}
    tables: dict[str, dict[str, ColumnData]] = {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", fits.verify.VerifyWarning)
            warnings.filterwarnings("error", message=".*truncated.*")
            with path.open("rb") as handle, fits.open(handle, memmap=False) as file:
                for number, hdu in enumerate(file[1:], start=1):
                    if hdu.name == ANNOTATION:
                        texts = json.loads("".join(hdu.data["JSON"]))
                    elif isinstance(hdu, fits.BinTableHDU):
                        tables[_name(hdu, number, tables)] = fits_columns.table(path, hdu)
                    elif isinstance(hdu, fits.TableHDU):
                        tables[_name(hdu, number, tables)] = fits_columns.text_table(hdu)
        annotation, notes = parsed(texts)
    except FormatError:
        raise
    except Exception as error:  # astropy raises many types for damaged cards
        raise FormatError(path, f"is damaged and cannot be read as FITS: {error}") from error
    return DataSet(_restored(tables, notes), annotation)


def write(
    dataset: DataSet,
    path: Path,
    profile: Profile = "gadf",
    chosen: Mapping[str, str] | None = None,
    without: Collection[str] = (),
) -> None:
    """Write all data tables and the metadata.

    Parameters
    ----------
    dataset : DataSet
        The data. A table with positions becomes an event list.
    path : pathlib.Path
        The file; it is replaced only after the new one is complete.
    profile : {"gadf", "vodf"}
        Which standard the event list follows.
    chosen : mapping of str to str, optional
        Columns of the event list that are not recognised, e.g. ``{"TIME": "t:mjd", "ENERGY":
        "E"}``. They apply to the tables that have all of them, otherwise to the main table.
    without : collection of str, optional
        ``TIME``, ``ENERGY`` or both, if the data have none. These columns are written as NaN, since
        gammapy requires them.

    Raises
    ------
    FormatError
        If the columns of time, energy or position are not recognised, or FITS cannot hold a column.
    """
    from astropy.io import fits

    hdus: list[Any] = [fits.PrimaryHDU()]
    flags: dict[int, dict[str, Any]] = {}
    notes: dict[str, Any] = {}
    tables = dataset.data_tables or dataset.tables
    asked = _choices(dataset, tables, chosen or {})
    for name, table in tables.items():
        request = Request(profile, asked.get(name, {}), without, name == dataset.main_table()[0])
        hdu, note, unset = _hdu(path, name, table, dataset.annotation, request)
        flags[len(hdus)] = unset
        hdus.append(hdu)
        notes[str(len(notes))] = note
    # Long texts are split into rows, which readers handle better than one huge cell.
    text = json.dumps(json.loads(to_json(dataset.annotation, _tables=notes)), ensure_ascii=True)
    parts = [text[start : start + 1000] for start in range(0, len(text), 1000)]
    # FITS drops blanks at the end of a cell, so a row must not end with one.
    width = max(len(part) for part in parts)
    if any(part.endswith(" ") for part in parts[:-1]):
        parts, width = [text], len(text)
    hdus.append(
        fits.BinTableHDU.from_columns(
            [fits.Column("JSON", f"{width}A", array=np.array(parts))], name=ANNOTATION
        )
    )
    with limits.complete(path) as temporary:
        _write(fits.HDUList(hdus), flags, temporary)


def _write(hdus: Any, flags: dict[int, dict[str, Any]], path: Path) -> None:
    """Write the extensions; missing logical values are zero bytes, which astropy cannot write."""
    from astropy.io import fits

    if not any(flags.values()):
        hdus.writeto(path, overwrite=True, checksum=True)
        return
    content = io.BytesIO()
    hdus.writeto(content)
    content.seek(0)
    with fits.open(content) as again:
        for number, unset in flags.items():
            for name, mask in unset.items():
                stored = again[number].data.view(np.ndarray)[name]
                stored[mask.reshape(stored.shape)] = 0
        again.writeto(path, overwrite=True, checksum=True)


def _choices(
    dataset: DataSet, tables: Mapping[str, Table], chosen: Mapping[str, str]
) -> dict[str, Mapping[str, str]]:
    """Return the user's choices for each table that has the columns, otherwise for the main one."""
    if not chosen or not tables:
        return {}
    having = {
        name: chosen
        for name, table in tables.items()
        if all(has_choice(text, columns(table)) for text in chosen.values())
    }
    return having or {dataset.main_table()[0]: chosen}


def _hdu(
    path: Path, name: str, table: Table, annotation: Annotation, request: Request
) -> tuple[BinTableHDU, dict[str, Any], dict[str, Any]]:
    """Return the extension, our notes about it, and masks of missing logical values."""
    from astropy.io import fits

    try:
        content = columns(table)
        first, header = standard(name, content, annotation, request)
        header = header if first else header_of(content)
        packed, notes = pack(content, _CAPACITY)
        stored = storable(packed, upper=True)
        result = [_column(key, data) for key, data in first.items()]
        renamed: dict[str, str] = {}
        unset = {}
        for old, data in packed.items():
            # The standard's column of this name is made from `old` and may differ, e.g. be in TeV.
            free = _free(stored[old], {*first, *renamed})
            result.append(_column(free, data))
            renamed[free] = old
            if data.kind == "b" and data.mask is not None:
                unset[free] = data.mask
    except (TypeError, ValueError) as error:
        raise FormatError(path, f"cannot be written: {error}") from None
    extension = (
        _extension(request.profile) if first else next(iter(storable([name]).values())).upper()
    )
    hdu = fits.BinTableHDU.from_columns(result, nrows=len(table), name=extension)
    for key, value in header.items():
        hdu.header[key] = value
    return hdu, {"name": name, "columns": renamed, "fields": notes}, unset


def _free(name: str, taken: set[str]) -> str:
    candidate, number = name, 1
    while candidate in taken:
        candidate = f"{name}_ORIGINAL{number if number > 1 else ''}"
        number += 1
    return candidate


def _column(name: str, data: ColumnData) -> Any:
    """Return the FITS column of a packed column."""
    from astropy.io import fits

    if data.kind == "O":
        return _varying(name, data)
    shape = data.values.shape[1:]
    count = int(np.prod(shape, dtype=int))
    options: dict[str, Any] = {"unit": _unit(data)}
    values = blanked(data)
    if data.kind == "U":
        # In FITS a text that begins with NUL is null; an empty text is written as a blank.
        values = np.where(data.missing, "", np.where(values == "", " ", values))
        values = encoded(values)
        count *= values.dtype.itemsize
        code = "A"
        shape = (*shape, values.dtype.itemsize) if shape else shape
    else:
        code, zero = _CODES[data.values.dtype.name]
        if zero:
            options["bzero"] = zero
        if data.mask is not None and data.kind in "iu":
            options["null"] = null_value(data.values, data.mask)
    if shape:
        options["dim"] = "(" + ",".join(str(size) for size in reversed(shape)) + ")"
    return fits.Column(name, f"{count}{code}", array=values, **options)


def _varying(name: str, data: ColumnData) -> Any:
    from astropy.io import fits

    types = {each.dtype.name for each in data.values}
    kind = types.pop() if len(types) == 1 else "float64"
    code, zero = _CODES.get(kind, ("", 0))
    if types or zero or not code:
        raise TypeError(
            f"column {name!r}: FITS cannot hold arrays of varying length and type {kind}"
        )
    return fits.Column(name, f"Q{code}()", array=data.values, unit=_unit(data))


def _unit(data: ColumnData) -> str | None:
    if data.unit is None:
        return None
    try:
        text = str(data.unit.to_string("fits"))
    except (ValueError, TypeError, AttributeError):
        text = str(data.unit)
    # A card holds ASCII only; our own notes have the original unit.
    return text if text.isascii() and text.isprintable() and len(text) < 60 else None


def _extension(profile: Profile) -> str:
    return "EVENTS" if profile == "gadf" else "event-list"


def _name(hdu: BinTableHDU, number: int, taken: dict[str, Any]) -> str:
    name = str(hdu.name or f"table{number}").lower()
    name = "events" if name == "event-list" else name
    return name if name not in taken else f"{name}_{number}"


def _restored(tables: dict[str, dict[str, ColumnData]], notes: dict[str, Any]) -> dict[str, Table]:
    """Restore the names of columns and tables, and drop columns added for the standard."""
    described = notes.get("_tables") or {}
    result: dict[str, Table] = {}
    for number, (name, content) in enumerate(tables.items()):
        note = described.get(str(number))
        if not isinstance(note, dict):
            result[name] = to_table(content)
            continue
        kept = {old: content[key] for key, old in note["columns"].items() if key in content}
        result[str(note["name"])] = to_table(unpack(kept, note.get("fields")))
    return result


def _check(path: Path) -> None:
    """Refuse files that astropy would decompress, and truncated ones."""
    try:
        with path.open("rb") as handle:
            start = handle.read(2880)
    except FileNotFoundError:
        raise FormatError(path, "there is no such file") from None
    if not start.startswith(b"SIMPLE  ="):
        raise FormatError(path, "is not FITS (decompress compressed FITS first)")
    if path.stat().st_size % 2880:
        raise FormatError(path, "is truncated: its size is not a multiple of 2880 bytes")
