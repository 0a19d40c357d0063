"""FITS: tables, and event lists that gammapy and other gamma-ray software read.

A table with sky positions becomes an ``EVENTS`` extension after GADF 0.3, or ``event-list`` after
VODF: the columns that the standard asks for (EVENT_ID, TIME, RA, DEC, ENERGY) come first, all
others follow. What was added for the standard is noted and left out again when read back.

Standards: gamma-astro-data-formats.readthedocs.io (GADF), vodf.readthedocs.io (VODF, draft).
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import FormatError
from . import limits
from .dataset import DataSet, column, parsed, to_json
from .eventids import event_numbers
from .names import storable

if TYPE_CHECKING:
    from astropy.io.fits import BinTableHDU, Header
    from astropy.table import Table

Profile = Literal["gadf", "vodf"]

#: Extension that holds our metadata as JSON.
ANNOTATION = "KM3_ANNOTATION"
#: Times are counted from here (2000-01-01, TT).
MJDREF = 51544

_RA = ("ra", "ra_deg", "right_ascension")
_DEC = ("dec", "decl", "dec_deg", "declination")
_TIME = ("mjd", "time_mjd")
_ENERGY = ("energy", "e_reco")
_ID = ("id", "event_id", "internalid")
_CLASSES = {
    "gadf": {
        "HDUCLASS": "GADF",
        "HDUDOC": "https://github.com/open-gamma-ray-astro/gamma-astro-data-formats",
        "HDUVERS": "0.3",
    },
    "vodf": {
        "HDUCLASS": "VODF",
        "HDUDOC": "https://vodf.readthedocs.io",
        "HDUVERS": "0.1",
    },
}


def read(path: Path) -> DataSet:
    """Read all tables and the metadata.

    Raises
    ------
    FormatError
        If the file is damaged, cut off, or no plain FITS.
    """
    from astropy.io import fits

    _check(path)
    texts: dict[str, Any] = {}
    tables: dict[str, Table] = {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", fits.verify.VerifyWarning)
            warnings.filterwarnings("error", message=".*truncated.*")
            with path.open("rb") as handle, fits.open(handle, memmap=False) as file:
                for number, hdu in enumerate(file[1:], start=1):
                    if hdu.name == ANNOTATION:
                        texts = json.loads("".join(hdu.data["JSON"]))
                    elif isinstance(hdu, fits.BinTableHDU):
                        tables[_name(hdu, number, tables)] = _table(path, hdu)
        annotation, notes = parsed(texts)
    except FormatError:
        raise
    except Exception as error:  # astropy raises whatever a damaged card or descriptor causes
        raise FormatError(path, f"cannot be read as FITS, it is damaged: {error}") from error
    return DataSet(_restored(tables, notes), annotation)


def write(dataset: DataSet, path: Path, profile: Profile = "gadf") -> None:
    """Write all data tables and the metadata.

    Parameters
    ----------
    dataset : DataSet
        What to write. A table with right ascension and declination becomes an event list; energies
        that it does not have are written as NaN, since gammapy wants the column.
    path : pathlib.Path
        The file; it appears when it is complete.
    profile : {"gadf", "vodf"}
        Which standard the event list follows.
    """
    from astropy.io import fits

    hdus: list[Any] = [fits.PrimaryHDU()]
    notes: dict[str, Any] = {}
    for name, table in (dataset.data_tables or dataset.tables).items():
        hdu, note = _hdu(name, table, dataset, profile)
        hdus.append(hdu)
        notes[str(len(notes))] = note
    # Long texts are cut into rows: readers handle them better than one giant cell.
    text = json.dumps(json.loads(to_json(dataset.annotation, _tables=notes)), ensure_ascii=True)
    parts = [text[start : start + 1000] for start in range(0, len(text), 1000)]
    # FITS drops blanks at the end of a cell; a cut must not fall on one.
    width = max(len(part) for part in parts)
    if any(part.endswith(" ") for part in parts[:-1]):
        parts, width = [text], len(text)
    hdus.append(
        fits.BinTableHDU.from_columns(
            [fits.Column("JSON", f"{width}A", array=np.array(parts))], name=ANNOTATION
        )
    )
    with limits.complete(path) as temporary:
        fits.HDUList(hdus).writeto(temporary, overwrite=True, checksum=True)


def _hdu(
    name: str, table: Table, dataset: DataSet, profile: Profile
) -> tuple[BinTableHDU, dict[str, Any]]:
    from astropy.io import fits
    from astropy.table import Table as AstropyTable

    stored = storable(table.colnames, upper=True)
    standard, header = _standard(table, dataset, profile)
    columns = dict(standard)
    renamed: dict[str, str] = {}
    for old, new in stored.items():
        # The standard's own column of this name comes from `old` and may be changed (TeV, degrees).
        free = f"{new}_ORIGINAL" if new in standard else new
        columns[free] = _ascii(table[old])
        renamed[free] = old
    result = AstropyTable(columns)
    hdu = fits.BinTableHDU(result, name=_extension(profile) if standard else name.upper())
    for key, value in header.items():
        hdu.header[key] = value
    return hdu, {"name": name, "columns": renamed}


def _standard(
    table: Table, dataset: DataSet, profile: Profile
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the columns and the header that the standard asks for, empty for other tables."""
    from astropy import units as u
    from astropy.table import Column
    from astropy.time import Time

    ra, dec = _find(table, _RA), _find(table, _DEC)
    if ra is None or dec is None or not len(table):
        return {}, {}
    numbers = None
    if (identifier := _find(table, _ID)) is not None:
        numbers = event_numbers(str(value) for value in table[identifier])
    columns = {
        "EVENT_ID": Column(np.arange(1, len(table) + 1) if numbers is None else numbers),
        "TIME": Column(np.zeros(len(table)), unit=u.s),
        "RA": Column(_values(table[ra], u.deg), unit=u.deg),
        "DEC": Column(_values(table[dec], u.deg), unit=u.deg),
        "ENERGY": Column(np.full(len(table), np.nan), unit=u.TeV),
    }
    start = stop = 0.0
    if (key := _find(table, _TIME)) is not None:
        times = Time(np.asarray(table[key], dtype=float), format="mjd", scale="utc").tt
        seconds = (times - Time(MJDREF, format="mjd", scale="tt")).to_value("s")
        columns["TIME"] = Column(seconds, unit=u.s)
        start, stop = float(seconds.min()), float(seconds.max())
    if (key := _find(table, _ENERGY)) is not None:
        columns["ENERGY"] = Column(_values(table[key], u.TeV, default=u.GeV), unit=u.TeV)
    instrument = dataset.annotation.header.instrument or "unknown"
    header = _CLASSES[profile] | {
        "HDUCLAS1": "EVENTS",
        "TELESCOP": "ANTARES" if "ANTARES" in instrument.upper() else "KM3NeT",
        "INSTRUME": instrument[:60],
        "OBS_ID": 1,
        "MJDREFI": MJDREF,
        "MJDREFF": 0.0,
        "TIMEUNIT": "s",
        "TIMESYS": "TT",
        "TIMEREF": "LOCAL",
        "TSTART": start,
        "TSTOP": stop,
        "RADECSYS": "ICRS",
        "EQUINOX": 2000.0,
        "EV_CLASS": "unknown",
    }
    return columns, header


def _find(table: Table, names: tuple[str, ...]) -> str | None:
    for key in table.colnames:
        if key.lower() in names:
            return str(key)
    return None


def _values(values: Any, unit: Any, default: Any = None) -> np.ndarray[Any, Any]:
    array = np.asarray(values, dtype=float)
    own = values.unit or default
    return array if own is None else np.asarray((array * own).to_value(unit))


def _ascii(values: Any) -> Any:
    """Text beyond ASCII, which FITS does not know, as UTF-8 bytes."""
    array = np.asarray(values)
    if array.dtype.kind == "U" and not all(text.isascii() for text in array.ravel()):
        return np.char.encode(array, "utf-8")
    return values


def _extension(profile: Profile) -> str:
    return "EVENTS" if profile == "gadf" else "event-list"


def _name(hdu: BinTableHDU, number: int, taken: dict[str, Any]) -> str:
    name = str(hdu.name or f"table{number}").lower()
    name = "events" if name == "event-list" else name
    return name if name not in taken else f"{name}_{number}"


def _table(path: Path, hdu: BinTableHDU) -> Table:
    from astropy.table import Table

    header: Header = hdu.header
    rows, width = int(header["NAXIS2"]), int(header["NAXIS1"])
    limits.check_size(path, hdu.name or "table", rows * width)
    available = path.stat().st_size - hdu.fileinfo()["datLoc"]
    if rows * width + int(header.get("PCOUNT", 0)) > available:
        raise FormatError(path, f"{hdu.name} is cut off: {rows} rows were announced")
    plain = {}
    for field in hdu.columns:
        values = np.asarray(hdu.data[field.name])
        if values.dtype.kind == "O":
            raise FormatError(path, f"column {field.name!r} of {hdu.name} has rows of varying size")
        if values.dtype.kind == "U":
            values = np.array([_utf8(text) for text in values.ravel()]).reshape(values.shape)
        plain[field.name] = column(values, field.unit)
    return Table(plain, copy=False)


def _utf8(text: str) -> str:
    return text if text.isascii() else text.encode("latin-1", "replace").decode("utf-8", "replace")


def _restored(tables: dict[str, Table], notes: dict[str, Any]) -> dict[str, Table]:
    """Give columns and tables their own names back and drop what the standard had added."""
    described = notes.get("_tables") or {}
    result: dict[str, Table] = {}
    for number, (name, table) in enumerate(tables.items()):
        note = described.get(str(number))
        if not isinstance(note, dict):
            result[name] = table
            continue
        own = {key: old for key, old in note["columns"].items() if key in table.colnames}
        kept = table[list(own)]
        for key, old in own.items():
            if key != old:
                kept.rename_column(key, old)
        result[str(note["name"])] = kept
    return result


def _check(path: Path) -> None:
    """Refuse what astropy would unpack or fetch by itself."""
    try:
        with path.open("rb") as handle:
            start = handle.read(2880)
    except FileNotFoundError:
        raise FormatError(path, "there is no such file") from None
    if not start.startswith(b"SIMPLE  ="):
        raise FormatError(path, "is not FITS (packed FITS must be unpacked first)")
    if path.stat().st_size % 2880:
        raise FormatError(path, "is cut off: its size is not a multiple of 2880 bytes")
