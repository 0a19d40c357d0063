"""ECSV with annotations: a table as text, units and metadata in its YAML header."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import yaml

from ..errors import FormatError
from . import limits
from .dataset import DataSet, column, parsed

#: Where our metadata stand in the header's ``meta``.
KEY = "km3"


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
    plain = {}
    for key in table.colnames:
        values = table[key]
        if not hasattr(values, "dtype"):
            raise FormatError(path, f"column {key!r} has a type that is not supported")
        plain[key] = column(np.asarray(values), str(values.unit or "") or None)
    return DataSet({name: Table(plain, copy=False)}, annotation)


def write(dataset: DataSet, path: Path) -> None:
    """Write the main table; ECSV holds one table only."""
    name, table = dataset.main_table()
    copy = table.copy(copy_data=False)
    copy.meta = {KEY: dataset.annotation.plain() | {"_table": name, "_rows": len(table)}}
    with limits.complete(path) as temporary:
        copy.write(temporary, format="ascii.ecsv", overwrite=True)


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
    if len(header) > limits.ATTRIBUTE:
        raise FormatError(path, f"a header of {len(header)} bytes is too large")
    depth = 0
    try:
        for event in yaml.parse(header, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise FormatError(path, "the header uses YAML references, which are refused")
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > limits.DEPTH:
                raise FormatError(path, f"the header is nested more than {limits.DEPTH} deep")
    except (yaml.YAMLError, RecursionError) as error:
        raise FormatError(path, f"the header is not YAML: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]
