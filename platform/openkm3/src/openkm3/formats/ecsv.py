"""ECSV with annotations: a table as text, units and metadata in its YAML header."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import FormatError
from . import limits
from .columns import ColumnData, time
from .dataset import DataSet, parsed
from .names import renamed, speakable
from .packing import Capacity, pack, unpack
from .tables import columns, to_table

if TYPE_CHECKING:
    from astropy.table import Table

#: Where our metadata stand in the header's ``meta``.
KEY = "km3"
_CAPACITY = Capacity(
    types=frozenset(
        f"bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 "
        f"{np.dtype(np.longdouble).name} complex64 complex128 text text[] time varying".split()
    ),
    flags=lambda _: False,
    nulls=True,
    # Readers of comma-separated values strip blanks and break lines.
    texts=lambda data: all(
        text == text.strip() and text.isprintable() for text in data.values.ravel().tolist()
    ),
)


def read(path: Path) -> DataSet:
    """Read a table and its metadata.

    Raises
    ------
    FormatError
        If the text is not ECSV, is cut off, or its header is hostile.
    """
    from astropy.table import Table

    text = _decoded(path)
    _check_header(path, text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # A list of lines, since one string could be taken for a name or an address.
            table = Table.read(text.split("\n"), format="ascii.ecsv")
    except RecursionError:
        raise FormatError(path, "is nested too deeply") from None
    except Exception as error:  # astropy's readers raise whatever their parsers do
        raise FormatError(path, f"cannot be read as ECSV: {_first_line(error)}") from error
    if not text.endswith("\n"):
        raise FormatError(path, "ends in the middle of a line: the file is cut off")
    meta = dict(table.meta)
    ours = meta.get(KEY)
    annotation, notes = parsed(ours if isinstance(ours, dict) else meta)
    if notes.get("_rows", len(table)) != len(table):
        # Text that ends between two lines looks whole.
        raise FormatError(path, f"is cut off: {len(table)} of {notes['_rows']} rows are there")
    name = str(notes.get("_table", "table"))
    try:
        content = renamed(columns(table), _noted(notes, "_names"))
    except (TypeError, ValueError) as error:
        raise FormatError(path, str(error)) from error
    return DataSet({name: to_table(unpack(content, _noted(notes, "_fields")))}, annotation)


def write(dataset: DataSet, path: Path) -> None:
    """Write the main table; ECSV holds one table only.

    Times are written as astropy does (``Time``, of their scale), missing values as empty fields,
    and a column that has empty texts beside missing ones with a column ``NAME.mask`` of astropy's.
    """
    name, table = dataset.main_table()
    try:
        packed, fields = pack(columns(table), _CAPACITY)
        stored = speakable(packed)
        result = _table({stored[key]: data for key, data in packed.items()})
    except (TypeError, ValueError) as error:
        raise FormatError(path, f"cannot be written: {error}") from None
    changed = {new: old for old, new in stored.items() if new != old}
    notes: dict[str, Any] = {"_table": name, "_rows": len(table)}
    # As JSON, since YAML in comment lines folds the line breaks of names.
    told = (("_fields", fields), ("_names", changed))
    notes |= {key: json.dumps(note) for key, note in told if note}
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
        if not len(column):  # astropy cannot read arrays without rows; the notes have their shape
            column = column.reshape(0)
        if data.kind == "U" and np.any((data.values == "") & ~data.missing):
            # Without a column of flags an empty field is a missing one.
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
        raise FormatError(path, "is not text in UTF-8, so it is no ECSV") from None


def _check_header(path: Path, text: str) -> None:
    """Refuse what makes YAML dangerous: references that multiply, and nesting without end."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line[2:] if line.startswith("# ") else line[1:])
    if not lines or not lines[0].startswith("%ECSV"):
        raise FormatError(path, "does not begin with '# %ECSV', so it is no ECSV")
    header = "\n".join(lines[1:])
    limits.check_yaml(path, header)


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]
