"""VOTable: what services of the Virtual Observatory speak."""

from __future__ import annotations

import io
import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

import numpy as np

from ..errors import FormatError
from . import limits
from .dataset import DataSet, column, parsed, to_json

if TYPE_CHECKING:
    from astropy.io.votable.tree import VOTableFile

#: The INFO element that holds our metadata as JSON.
INFO = "km3_annotation"


def read(path: Path) -> DataSet:
    """Read all tables and the metadata.

    Raises
    ------
    FormatError
        If the document is damaged, or holds what a data file has no use for: a document type,
        entities, data by reference, packed data.
    """
    from astropy.io.votable import parse

    try:
        content = limits.document(path)
    except FileNotFoundError:
        raise FormatError(path, "there is no such file") from None
    _check(path, content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            document = parse(io.BytesIO(content), verify="ignore")
        return _dataset(document)
    except FormatError:
        raise
    except RecursionError:
        raise FormatError(path, "is nested too deeply") from None
    except Exception as error:  # astropy's parser raises whatever a damaged value causes
        raise FormatError(path, f"cannot be read as VOTable: {error}") from error


def write(dataset: DataSet, path: Path) -> None:
    """Write all data tables and the metadata as VOTable 1.4."""
    from astropy.io.votable.tree import Info, Resource, TableElement, VOTableFile

    document = VOTableFile(version="1.4")
    resource = Resource(name="km3", type="results")
    document.resources.append(resource)
    info = Info(name=INFO, value="json")
    info.content = to_json(dataset.annotation)
    resource.infos.append(info)
    for name, table in (dataset.data_tables or dataset.tables).items():
        with warnings.catch_warnings():
            # Names that are no XML identifiers keep their name and get an identifier besides.
            warnings.simplefilter("ignore")
            element = TableElement.from_table(document, table)
        element.name = name
        for field in element.fields:
            _describe(field, dataset, field.name)
        resource.tables.append(element)
    with limits.complete(path) as temporary:
        document.to_xml(str(temporary), tabledata_format="tabledata")


def _describe(field: Any, dataset: DataSet, name: str) -> None:
    """Put UCD and description where VO tools look for them."""
    for key, parameter in dataset.annotation.paraminfo.items():
        if (parameter.columnname or key) == name:
            field.ucd = parameter.ucd
            field.description = parameter.description


def _dataset(document: VOTableFile) -> DataSet:
    from astropy.table import Table

    texts: dict[str, Any] = {}
    tables: dict[str, Table] = {}
    for resource in document.resources:
        for info in resource.infos:
            if info.name == INFO and info.content:
                texts = json.loads(info.content)
    for number, element in enumerate(document.iter_tables()):
        name = element.name or f"table{number or ''}"
        source = element.to_table(use_names_over_ids=True)
        plain = {}
        for key in source.colnames:
            values = source[key]
            mask = getattr(values, "mask", None)
            array = np.asarray(values)
            if mask is not None and np.any(mask) and array.dtype.kind == "f":
                array = np.where(mask, np.nan, array)
            plain[key] = column(array, str(values.unit or "") or None)
        tables[name] = Table(plain, copy=False)
    annotation, _ = parsed(texts)
    return DataSet(tables, annotation)


def _check(path: Path, content: bytes) -> None:
    """Look the document over with a plain parser before astropy follows what it asks for."""
    parser = expat.ParserCreate()
    depth = cells = 0

    def refuse(problem: str) -> None:
        raise FormatError(path, problem)

    def doctype(*_: object) -> None:
        refuse("declares a document type or entities, which are refused")

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, cells
        depth += 1
        tag = name.rpartition(":")[2]
        if depth > limits.DEPTH:
            refuse(f"elements are nested more than {limits.DEPTH} deep")
        if tag == "STREAM" and attributes.get("href"):
            refuse("keeps its data elsewhere (STREAM href), which is refused")
        if tag == "STREAM" and attributes.get("encoding", "").lower() not in ("", "none", "base64"):
            refuse(f"packs its data as {attributes['encoding']!r}, which is refused")
        # A row takes at least the five characters of <TR/>; astropy allocates what is said.
        rows = attributes.get("nrows", "0").strip() if tag == "TABLE" else "0"
        if not rows.isdigit() or int(rows) > len(content):
            refuse(f"says it has {rows} rows, which do not fit into the file")
        if tag == "FIELD":
            cells += _cells(attributes.get("arraysize", "1"))
            if cells > 1_000_000:
                refuse("has columns that are too wide")

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    parser.StartDoctypeDeclHandler = doctype
    parser.EntityDeclHandler = doctype
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise FormatError(path, f"is not well-formed XML, damaged or cut off: {error}") from error


def _cells(arraysize: str) -> int:
    cells = 1
    for part in arraysize.split("x"):
        digits = part.strip().rstrip("*")
        cells *= int(digits) if digits.isdigit() else 1
    return cells
