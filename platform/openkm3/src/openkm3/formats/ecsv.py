"""ECSV with annotations: a table as text, with units and metadata in its YAML header."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import FormatError, first_line
from . import limits
from .columns import ColumnData, time
from .dataset import DataSet, parsed
from .names import printable_names, renamed
from .packing import Capacity, pack, unpack
from .tables import columns, to_table

if TYPE_CHECKING:
    from astropy.table import Table

#: Key of our metadata in the header's ``meta``.
KEY = "km3"
_CAPACITY = Capacity(
    types=frozenset(
        f"bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 "
        f"{np.dtype(np.longdouble).name} complex64 complex128 text text[] time varying".split()
    ),
    flags=lambda _: False,
    nulls=True,
    # Readers of comma-separated values strip outer blanks and split at line breaks.
    texts=lambda data: all(
        text == text.strip() and text.isprintable() for text in data.values.ravel().tolist()
    ),
)


def read(path: Path) -> DataSet:
    """Read a table and its metadata.

    Raises
    ------
    FormatError
        If the text is not ECSV or is truncated, or its header is hostile.
    """
    from astropy.table import Table

    text = _decoded(path)
    _check_header(path, text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # A list of lines, since a string could be taken for a file name or an address.
            table = Table.read(text.split("\n"), format="ascii.ecsv")
    except RecursionError:
        raise FormatError(path, "is nested too deeply") from None
    except Exception as error:  # astropy's parsers raise many types
        raise FormatError(path, f"cannot be read as ECSV: {first_line(error)}") from error
    if not text.endswith("\n"):
        raise FormatError(path, "is truncated: it ends in the middle of a line")
    meta = dict(table.meta)
    ours = meta.get(KEY)
    annotation, notes = parsed(ours if isinstance(ours, dict) else meta)
    if notes.get("_rows", len(table)) != len(table):
        # Text that ends between two lines looks complete.
        raise FormatError(path, f"is truncated: it has {len(table)} of {notes['_rows']} rows")
    name = str(notes.get("_table", "table"))
    try:
        content = renamed(columns(table), _noted(notes, "_names"))
    except (TypeError, ValueError) as error:
        raise FormatError(path, str(error)) from error
    return DataSet({name: to_table(unpack(content, _noted(notes, "_fields")))}, annotation)


def write(dataset: DataSet, path: Path) -> None:
    """Write the main table; ECSV holds a single table.

    Times are written as astropy writes ``Time``, with their scale, and missing values as empty
    fields. A column that has both empty and missing texts gets astropy's column ``NAME.mask``.
    """
    name, table = dataset.main_table()
    try:
        packed, fields = pack(columns(table), _CAPACITY)
        stored = printable_names(packed)
        result = _table({stored[key]: data for key, data in packed.items()})
    except (TypeError, ValueError) as error:
        raise FormatError(path, f"cannot be written: {error}") from None
    changed = {new: old for old, new in stored.items() if new != old}
    notes: dict[str, Any] = {"_table": name, "_rows": len(table)}
    # As JSON, since YAML in comment lines folds the line breaks of names.
    extra = (("_fields", fields), ("_names", changed))
    notes |= {key: json.dumps(note) for key, note in extra if note}
    result.meta = {KEY: dataset.annotation.plain() | notes}
    with limits.complete(path) as temporary:
        result.write(temporary, format="ascii.ecsv", overwrite=True)


def _table(packed: dict[str, ColumnData]) -> Table:
    from astropy.table import MaskedColumn, Table

    result = Table()
    for name, data in packed.items():
        if data.kind == "M":
            result[name] = time(data)
            continue
        column = data.to_table()
        if not len(column):  # astropy cannot read arrays without rows; the notes keep their shape
            column = column.reshape(0)
        if data.kind == "U" and np.any((data.values == "") & ~data.missing):
            # Without a mask column an empty field would be missing.
            column = MaskedColumn(column, mask=data.missing)
            column.info.serialize_method["ecsv"] = "data_mask"
        result[name] = column
    return result


def _noted(notes: dict[str, Any], key: str) -> Any:
    text = notes.get(key)
    try:
        return json.loads(text) if isinstance(text, str) else {}
    except ValueError:
        return {}


def _decoded(path: Path) -> str:
    try:
        return limits.document(path).decode("utf-8")
    except FileNotFoundError:
        raise FormatError(path, "there is no such file") from None
    except UnicodeDecodeError:
        raise FormatError(path, "is not ECSV: it is not UTF-8 text") from None


def _check_header(path: Path, text: str) -> None:
    """Refuse a dangerous header; see `limits.check_yaml`."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line[2:] if line.startswith("# ") else line[1:])
    if not lines or not lines[0].startswith("%ECSV"):
        raise FormatError(path, "is not ECSV: it does not begin with '# %ECSV'")
    header = "\n".join(lines[1:])
    limits.check_yaml(path, header)
