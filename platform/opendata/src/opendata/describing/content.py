"""Reads a file and describes its content."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from opendata.describing.tap_table import service_findings
from openkm3 import annotated
from openkm3.errors import FormatError, MissingPackage, OpenKM3Error
from openkm3.formats import FORMATS, ColumnData, DataSet, detect, read
from openkm3.metadata import Annotation, validate

from . import SCHEME, Unreadable
from .cells import json_safe, missing_rows, parameter_of, plain, unit_of
from .plots import plots_of_content, plots_of_table
from .sky import sky_of

if TYPE_CHECKING:
    from astropy.table import Table

_HEAD = 8
_MOST_TABLES = 50
_MOST_COLUMNS = 200
_KNOWN_SUFFIXES = {suffix for form in FORMATS.values() for suffix in form.suffixes}


def describe_content(path: Path, name: str) -> dict[str, Any]:
    """See :func:`opendata.describing.describe`."""
    # A file's own metadata may contain NaN, which neither JSON nor PostgreSQL accepts.
    result: dict[str, Any] = json_safe(_describe(path, name))
    return result | {"scheme": SCHEME}


def _describe(path: Path, name: str) -> dict[str, Any]:
    suffix = Path(name).suffix.lower()
    try:
        if suffix == ".json":
            return _json(path)
        # An .xml file may be anything; only VOTables must be readable as such.
        if suffix in _KNOWN_SUFFIXES - {".xml"}:
            return _tables(path, suffix)
    except FormatError as error:
        raise Unreadable(error.problem) from None
    except MissingPackage as error:
        if suffix in FORMATS["trees"].suffixes:  # support for ROOT is optional
            return {"format": "root"}
        raise Unreadable(f"cannot be read by this portal: {error}") from None
    except OpenKM3Error as error:
        raise Unreadable(str(error)) from None
    return {}


def _json(path: Path) -> dict[str, Any]:
    """Describe annotated JSON; other JSON only has to be valid."""
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise Unreadable("is not JSON, or is truncated") from None
    if not isinstance(document, dict) or "content" not in document:
        return {"format": "json"}
    annotation, content = annotated.read(path)
    return {
        "format": "annotated JSON",
        "annotation": annotation.plain(),
        "findings": [asdict(item) for item in validate(annotation)],
        "plots": plots_of_content(annotation, content),
    }


def _tables(path: Path, suffix: str) -> dict[str, Any]:
    fmt = detect(path)
    if suffix not in FORMATS[fmt].suffixes:
        raise Unreadable(f"is {FORMATS[fmt].title}, but its suffix is {suffix}: rename it")
    dataset = read(path, fmt)
    annotation = dataset.annotation
    service = [asdict(item) for item in service_findings(dataset)]
    result: dict[str, Any] = {
        "format": FORMATS[fmt].title,
        "annotation": annotation.plain(),
        "findings": [*_findings(annotation, dataset), *_hints(service)],
        "service": service,
        "tables": [
            _table(key, table, annotation)
            for key, table in list(dataset.tables.items())[:_MOST_TABLES]
        ],
    }
    if dataset.data_tables:
        _, table = dataset.main_table()
        result["plots"] = plots_of_table(table, annotation)
        sky = sky_of(table, annotation)
        if sky:
            result["sky"] = sky
    if fmt == "hdf5":
        result["tree"] = _tree(path)
    return result


def _findings(annotation: Annotation, dataset: DataSet) -> list[dict[str, str]]:
    """Returns the errors in a file's own metadata; a file without any uses those of its record."""
    if not annotation.plain().get("header"):
        return []
    return [asdict(item) for item in validate(annotation, dataset.data_tables)]


def _hints(service: list[dict[str, str]]) -> list[dict[str, str]]:
    """Returns what TAP would leave out, as hints, because most files are not served by TAP."""
    return [item | {"level": "hint"} for item in service]


def _table(name: str, table: Table, annotation: Annotation) -> dict[str, Any]:
    columns = []
    for key in table.colnames[:_MOST_COLUMNS]:
        column, parameter = table[key], parameter_of(annotation, key)
        meaning = ColumnData.of(column).meaning
        columns.append(
            {
                "name": key,
                "type": _type(column),
                "unit": unit_of(column, parameter),
                "title": parameter.name or "",
                "description": parameter.description or meaning.description,
                "ucd": parameter.ucd or meaning.ucd,
                "symbol": parameter.symbol or meaning.symbol,
                "missing": int(missing_rows(column).sum()),
            }
        )
    head = [
        [plain(table[key][row]) for key in table.colnames[:_MOST_COLUMNS]]
        for row in range(min(_HEAD, len(table)))
    ]
    return {"name": name, "rows": len(table), "columns": columns, "head": head}


def _type(column: Any) -> str:
    """Returns the letter and size in bytes of a column's type, with the shape of its cells."""
    dtype = getattr(column, "dtype", np.dtype("M8[us]"))
    if dtype.kind == "O":
        return "lists"  # their length differs between rows
    shape = "x".join(str(size) for size in column.shape[1:])
    name = _NAMED.get(dtype.kind, f"{dtype.kind}{dtype.itemsize}")
    return f"{name}[{shape}]" if shape else name


#: Types shown by name instead of letter and size.
_NAMED = {"U": "text", "S": "text", "M": "time"}


def _tree(path: Path) -> list[dict[str, Any]]:
    """Returns groups and datasets of an HDF5 file, depth first."""
    import h5py

    nodes: list[dict[str, Any]] = []

    def visit(name: str, item: Any) -> bool | None:
        if len(nodes) >= 500:
            return True
        node: dict[str, Any] = {"path": "/" + name, "depth": name.count("/")}
        if isinstance(item, h5py.Dataset):
            node |= {"shape": list(item.shape or []), "bytes": int(item.nbytes)}
            fields = item.dtype.names
            node["type"] = f"{len(fields)} columns" if fields else str(item.dtype)
        node["attributes"] = len(item.attrs)
        nodes.append(node)
        return None

    try:
        with h5py.File(path, "r") as file:
            file.visititems(visit)
    except (OSError, RuntimeError, ValueError, KeyError):
        return nodes
    return nodes
