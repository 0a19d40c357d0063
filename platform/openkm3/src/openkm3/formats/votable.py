"""VOTable, the format of the services of the Virtual Observatory."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

import numpy as np

from ..errors import FormatError
from . import limits
from .columns import ColumnData, Meaning, instants
from .dataset import DataSet, noted, parsed, to_json
from .names import printable, printable_names, renamed
from .packing import Capacity, blanked, null_value, pack, unpack
from .systems import Systems, declare
from .tables import columns, to_table
from .votable_parsing import parsed_document

if TYPE_CHECKING:
    from astropy.io.votable.tree import VOTableFile
    from astropy.table import Table

#: The INFO element that holds our metadata as JSON.
INFO = "km3_annotation"
_DATATYPES = {
    "bool": "boolean",
    "uint8": "unsignedByte",
    "int16": "short",
    "int32": "int",
    "int64": "long",
    "float32": "float",
    "float64": "double",
    "complex64": "floatComplex",
    "complex128": "doubleComplex",
}


def _is_ambiguous(data: ColumnData) -> bool:
    """Return whether a VOTable cannot distinguish the missing values of a column from others."""
    if data.kind == "U":
        return bool(np.any((data.values == "") & ~data.missing))
    if data.mask is not None and data.kind == "O":
        return True
    if data.mask is None or data.kind not in "iu":
        return False
    return null_value(data.values, data.mask) is None


_CAPACITY = Capacity(types=frozenset([*_DATATYPES, "text", "varying"]), flags=_is_ambiguous)


def read(path: Path) -> DataSet:
    """Read all tables and the metadata.

    Raises
    ------
    FormatError
        If the document is damaged, has a cell that is not a value of its column, or uses features
        that are refused: a document type, entities, external data, compressed data.
    """
    try:
        content = limits.document(path)
    except FileNotFoundError:
        raise FormatError(path, "there is no such file") from None
    _check(path, content)
    try:
        return _dataset(path, parsed_document(content))
    except FormatError:
        raise
    except RecursionError:
        raise FormatError(path, "is nested too deeply") from None
    except Exception as error:  # astropy's parser raises many types for damaged values
        raise FormatError(path, f"cannot be read as VOTable: {error}") from error


def write(dataset: DataSet, path: Path) -> None:
    """Write all data tables and the metadata as VOTable 1.4.

    Time scales and frames of positions are declared (TIMESYS, COOSYS). Missing integers have a
    ``VALUES null`` that their column does not contain. A missing text is
    empty; if a column also has empty texts, a second column marks the missing ones.
    """
    from astropy.io.votable.tree import Info, Resource, TableElement, VOTableFile

    document = VOTableFile(version="1.4")
    resource = Resource(name="km3", type="results")
    document.resources.append(resource)
    fields: dict[str, Any] = {}
    names: dict[str, Any] = {}
    tables = dataset.data_tables or dataset.tables
    stored = printable_names(tables)
    for name, table in tables.items():
        try:
            packed, notes = pack(columns(table), _CAPACITY)
            valid = printable_names(packed)
            element = TableElement(document, name=stored[name])
            # XML strips blanks at the ends of a text.
            element.format = "binary2" if _needs_binary(packed) else "tabledata"
            resource.tables.append(element)
            _fill(document, element, {valid[key]: data for key, data in packed.items()})
            declare(resource, zip(element.fields, packed.values(), strict=True))
        except (TypeError, ValueError) as error:
            raise FormatError(path, f"cannot be written: {error}") from None
        if notes:
            fields[stored[name]] = notes
        if changed := {new: old for old, new in valid.items() if new != old}:
            names[stored[name]] = changed
        for field, key in zip(element.fields, packed, strict=True):
            _describe(field, dataset, key)
    changed = {new: old for old, new in stored.items() if new != old}
    extra = {"_fields": fields, "_names": names, "_tables": changed}
    info = Info(name=INFO, value="json")
    info.content = to_json(dataset.annotation, **{key: note for key, note in extra.items() if note})
    resource.infos.append(info)
    with limits.complete(path) as temporary:
        try:
            document.to_xml(str(temporary))
        except UnicodeError as error:
            raise FormatError(
                path, f"cannot be written: XML cannot hold its text: {error}"
            ) from None


def _fill(document: VOTableFile, element: Any, packed: dict[str, ColumnData]) -> None:
    """Create the fields of a table and fill in the values."""
    from astropy.io.votable.tree import Field

    for name, data in packed.items():
        datatype, arraysize = _datatype(data)
        unit = None if data.unit is None else printable(str(data.unit))
        with warnings.catch_warnings():
            # Names that are not XML identifiers are kept, and get an additional identifier.
            warnings.simplefilter("ignore")
            field = Field(document, name=name, datatype=datatype, arraysize=arraysize, unit=unit)
        if data.meaning.utype:
            field.utype = printable(data.meaning.utype)
        field.ucd = printable(data.meaning.ucd) or None
        field.description = printable(data.meaning.description) or None
        if data.kind == "U" and data.meaning.xtype:
            field.xtype = printable(data.meaning.xtype)
        if data.mask is not None and data.kind in "iu":
            field.values.null = null_value(data.values, data.mask)
        element.fields.append(field)
    rows = len(next(iter(packed.values())).values) if packed else 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        element.create_arrays(rows)
    for key, data in zip(element.array.dtype.names or (), packed.values(), strict=False):
        if data.kind == "O":
            for number, each in enumerate(data.values):
                element.array.data[key][number] = np.ma.array(each, mask=np.zeros(each.shape, bool))
            continue
        element.array.data[key] = blanked(data)
        if data.mask is not None and data.kind != "U":
            element.array.mask[key] = data.mask


def _datatype(data: ColumnData) -> tuple[str, str | None]:
    if data.kind == "U":
        plain = all(text.isascii() for text in data.values.tolist())
        return ("char" if plain else "unicodeChar"), "*"
    if data.kind == "O":
        return _DATATYPES[_element_type(data)], "*"
    shape = data.values.shape[1:]
    # VOTable lists the fastest axis first.
    size = "x".join(str(n) for n in reversed(shape)) if shape else None
    return _DATATYPES[data.values.dtype.name], size


def _element_type(data: ColumnData) -> str:
    types = {each.dtype.name for each in data.values}
    name = types.pop() if len(types) == 1 else "float64"
    if types or name not in _DATATYPES:
        raise TypeError(f"VOTable cannot hold arrays of varying length and type {name}")
    return name


def _needs_binary(packed: dict[str, ColumnData]) -> bool:
    return any(
        text != text.strip() or not text.isprintable()
        for data in packed.values()
        if data.kind == "U"
        for text in data.values.tolist()
    )


def _describe(field: Any, dataset: DataSet, name: str) -> None:
    """Set the UCD and description that VO tools use."""
    for key, parameter in dataset.annotation.paraminfo.items():
        if (parameter.columnname or key) == name:
            field.ucd = printable(parameter.ucd or "") or field.ucd
            field.description = printable(parameter.description or "") or field.description


def _dataset(path: Path, document: VOTableFile) -> DataSet:
    texts: dict[str, Any] = {}
    for resource in document.resources:
        for info in resource.infos:
            if info.name == INFO and info.content:
                texts = json.loads(info.content)
    annotation, notes = parsed(texts)
    tables: dict[str, Table] = {}
    systems = Systems.of(document)
    for number, element in enumerate(document.iter_tables()):
        found = _columns(path, element)
        name = element.name or f"table{number or ''}"
        content = {key: systems.applied(data, ref) for key, (data, ref) in found.items()}
        named = renamed(content, noted(notes, "_names", name))
        restored = unpack(named, noted(notes, "_fields", name))
        original = str(notes.get("_tables", {}).get(name, name))
        tables[original if original not in tables else f"{original}_{number}"] = to_table(restored)
    return DataSet(tables, annotation)


def _columns(path: Path, element: Any) -> dict[str, tuple[ColumnData, str]]:
    """Return the columns, each with the ID of the time or coordinate system that it refers to."""
    content: dict[str, tuple[ColumnData, str]] = {}
    for number, field in enumerate(element.fields):
        values = element.array[element.array.dtype.names[number]]
        meaning = Meaning(
            description=str(field.description or "").strip(),
            ucd=field.ucd or "",
            utype=field.utype or "",
            xtype=field.xtype or "",
        )
        unit = str(field.unit) if field.unit is not None else None
        try:
            data = ColumnData.make(values, None, unit, meaning)
        except TypeError as error:
            raise FormatError(path, f"column {field.name!r}: {error}") from None
        if data.kind == "U":
            # In a VOTable an empty cell of text is a missing value.
            gone = (data.values == "") | data.missing
            data = data.with_values(data.values, gone if gone.any() else None)
            if field.xtype == "timestamp":
                data = _times(data)
        key = field.name if field.name not in content else f"{field.name}_{number}"
        content[key] = data, str(field.ref or "")
    return content


def _times(data: ColumnData) -> ColumnData:
    """Return DALI timestamps as times, unchanged if any is not one."""
    times = instants(data.filled(""))
    if times is None:
        return data
    return replace(data, values=times, meaning=replace(data.meaning, xtype=""))


def _check(path: Path, content: bytes) -> None:
    """Refuse a dangerous document with a plain parser, before astropy follows its instructions."""
    parser = expat.ParserCreate()
    depth = cells = 0

    def refuse(problem: str) -> None:
        raise FormatError(path, problem)

    def doctype(*_: object) -> None:
        refuse("declares a document type or entities, which are not allowed")

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, cells
        depth += 1
        tag = name.rpartition(":")[2]
        if depth > limits.DEPTH:
            refuse(f"has elements nested more than {limits.DEPTH} levels deep")
        if tag == "FITS":
            refuse("holds its data as FITS: save it as TABLEDATA or BINARY2, or as a FITS file")
        if tag == "STREAM" and attributes.get("href"):
            refuse("refers to external data (STREAM href), which is not allowed")
        if tag == "STREAM" and attributes.get("encoding", "").lower() not in ("", "none", "base64"):
            refuse(
                f"compresses its data with {attributes['encoding']!r}: save it without compression"
            )
        # astropy allocates the declared rows; each takes at least the five characters of <TR/>.
        rows = attributes.get("nrows", "0").strip() if tag == "TABLE" else "0"
        if not rows.isdigit() or int(rows) > len(content):
            refuse(f"declares {rows} rows, more than the file can hold")
        if tag == "FIELD":
            cells += _cells(attributes.get("arraysize", "1"))
            if cells > 1_000_000:
                refuse("has columns with too many elements")

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    parser.StartDoctypeDeclHandler = doctype
    parser.EntityDeclHandler = doctype
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    try:
        parser.Parse(content, True)
    except FormatError:
        raise
    except LookupError as error:
        raise FormatError(path, f"has an unknown encoding: {error}") from error
    except (expat.ExpatError, ValueError) as error:
        raise FormatError(
            path, f"is not well-formed XML; it is damaged or truncated: {error}"
        ) from error


def _cells(arraysize: str) -> int:
    cells = 1
    for part in arraysize.split("x"):
        digits = part.strip().rstrip("*")
        cells *= int(digits) if digits.isdigit() else 1
    return cells
