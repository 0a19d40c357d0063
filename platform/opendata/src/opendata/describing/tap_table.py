"""From a data set of openkm3 to a table of the VO services.

Names that ADQL accepts only in quotes are replaced by regular ones, positions are in degrees,
arrays stay arrays. Columns that a VO table cannot represent are left out; :func:`service_findings`
reports them when the file is uploaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from adqlite.tables.metadata import Schema, Table, TableColumn
from adqlite.tables.names import distinct, regular_name
from opendata.describing.cells import parameter_of
from opendata.describing.sky import position_columns
from openkm3.formats import ColumnData, DataSet, Meaning
from openkm3.formats.columns import kept_unit
from openkm3.formats.tables import columns as columns_of
from openkm3.formats.tables import to_table
from openkm3.metadata import Annotation, Finding, Parameter

_DATATYPES: dict[str, Any] = {
    "i1": "short",
    "u1": "short",
    "i2": "short",
    "u2": "int",
    "i4": "int",
    "u4": "long",
    "i8": "long",
    "u8": "long",
    "f2": "float",
    "f4": "float",
    "f8": "double",
    "b1": "boolean",
}
_LARGEST = 2**63 - 1
_INDEXED = ("ra", "dec", "decl", "id", "mjd", "time", "energy", "nhit")
_FRAMES = ("", "icrs", "fk5")

_Values = Callable[[], list[Any]]


class NoTable(ValueError):
    """A data set that cannot be served as a table."""


class NoColumn(ValueError):
    """A column that cannot be served; the message says why."""


@dataclass(frozen=True)
class _Served:
    """Columns, functions that list their values for SQLite, and findings."""

    columns: list[TableColumn]
    values: list[_Values]
    findings: list[Finding]


def described(
    dataset: DataSet, full_name: str, title: str, *, labels: Mapping[str, str] | None = None
) -> tuple[Schema, Iterator[tuple[Any, ...]]]:
    """Returns the description and the rows of a data set's main table.

    Parameters
    ----------
    dataset : DataSet
    full_name : str
        SCHEMA.TABLE.
    title : str
    labels : mapping of str to str, optional
        Names of columns in cone searches, where they differ from those in queries.

    Raises
    ------
    NoTable
        The data set has no table, no column that can be served, or impossible positions.
    """
    served = _served(dataset, labels or {})
    schema, _, name = full_name.partition(".")
    text = dataset.annotation.header.description or ""
    table = Table(name=name, title=title, description=text, columns=tuple(served.columns))
    whole = Schema(name=schema, title=title, description=text, tables=(table,))
    return whole, zip(*(values() for values in served.values), strict=True)


def service_findings(dataset: DataSet) -> list[Finding]:
    """Returns what the VO services would leave out of a data set or change.

    An error means that they cannot serve any of it.
    """
    try:
        return _served(dataset, {}).findings
    except NoTable as error:
        return [
            Finding("error", "table", str(error), "correct the file, or do not serve it by TAP")
        ]


def _served(dataset: DataSet, labels: Mapping[str, str]) -> _Served:
    try:
        _, table = dataset.main_table()
    except ValueError as error:
        raise NoTable(str(error)) from None
    known: dict[str, ColumnData] = {}
    findings: list[Finding] = []
    for key in table.colnames:
        try:
            known |= columns_of(table[[key]])
        except TypeError as error:
            findings.append(_left_out(key, str(error)))
    axes = _axes(known, dataset.annotation, findings)
    served = _Served([], [], findings)
    names: set[str] = set()
    for key, data in known.items():
        parameter = parameter_of(dataset.annotation, key)
        try:
            column, values = _column(_with_unit(data, parameter), parameter, axes.get(key, ""))
        except NoColumn as error:
            findings.append(_left_out(key, str(error)))
            continue
        name = distinct(regular_name(key), names)
        names.add(name.lower())
        if name != regular_name(key):
            findings.append(
                Finding("warning", key, f"is served as {name}", "another column has that name")
            )
        served.columns.append(
            column.model_copy(
                update={
                    "name": name,
                    "label": labels.get(name),
                    "indexed": column.indexed or name.lower() in _INDEXED,
                }
            )
        )
        served.values.append(values)
    if not served.columns:
        raise NoTable("it has no column of numbers or text")
    return served


def _left_out(key: str, reason: str) -> Finding:
    return Finding("warning", key, f"TAP leaves it out: {reason}", "it is in the other formats")


def _with_unit(data: ColumnData, parameter: Parameter) -> ColumnData:
    """Returns a column with the unit of its description if the file itself gives none."""
    return data if data.unit is not None else replace(data, unit=kept_unit(parameter.unit))


# Positions


def _axes(
    known: dict[str, ColumnData], annotation: Annotation, findings: list[Finding]
) -> dict[str, str]:
    """Returns the columns of the position with their axes; none if the frame is another one."""
    found = position_columns(to_table(known), annotation) if known else ()
    frames = {known[key].meaning.frame.lower() for key in found} - set(_FRAMES)
    if frames:
        frame = ", ".join(sorted(frames))
        findings.append(
            Finding("warning", found[0], f"is in the frame {frame}", "cone searches need ICRS")
        )
        return {}
    return dict(zip(found, ("ra", "dec"), strict=False))


def _on_the_sky(data: ColumnData, axis: str) -> ColumnData:
    """Returns right ascensions between 0 and 360 degrees, or declinations.

    Raises
    ------
    NoTable
        A declination is beyond the poles, or the unit is not one of angle.
    """
    numbers = data.numbers()
    if data.unit is not None:
        # A right ascension in hours means the angle, not the duration.
        unit = "hourangle" if axis == "ra" and str(data.unit) == "h" else data.unit
        try:
            numbers = np.asarray((numbers * kept_unit(str(unit))).to_value("deg"))
        except (TypeError, ValueError):
            raise NoTable(f"positions are in {data.unit}, which is not a unit of angle") from None
    wrong = np.isinf(numbers) | ((np.abs(numbers) > 90) & (axis == "dec"))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        bounds = "-90 to 90 deg" if axis == "dec" else "0 to 360 deg"
        raise NoTable(
            f"row {row + 1} has the {'declination' if axis == 'dec' else 'right ascension'} "
            f"{numbers[row]:g}, which is not within {bounds}; mask a missing value, or write NaN"
        )
    if axis == "ra":
        numbers = np.where((numbers >= 0) & (numbers <= 360), numbers, numbers % 360)
    return ColumnData(numbers, unit=kept_unit("deg"), meaning=data.meaning)


# Columns


def _column(data: ColumnData, parameter: Parameter, axis: str) -> tuple[TableColumn, _Values]:
    """Returns the description of a column, still without its name, and its values."""
    if axis:
        data = _on_the_sky(data, axis)
    datatype, arraysize, values = _values(data)
    meaning = data.meaning
    column = TableColumn(
        name="x",
        datatype=datatype,
        arraysize=arraysize,
        xtype="timestamp" if data.kind == "M" else meaning.xtype or None,
        unit=unit_text(data),
        ucd=_ucd(meaning, parameter, axis),
        utype=meaning.utype or None,
        description=_description(data, parameter, datatype),
        indexed=bool(axis),
    )
    return column, values


def _description(data: ColumnData, parameter: Parameter, datatype: str) -> str:
    text = parameter.description or data.meaning.description or parameter.name or ""
    if data.meaning.timescale:
        text = f"{text} (time scale {data.meaning.timescale.upper()})".strip()
    if data.kind == "u" and datatype == "char":
        text = f"{text} (unsigned integers of 64 bits, as text)".strip()
    return text


def _ucd(meaning: Meaning, parameter: Parameter, axis: str) -> str | None:
    if axis:
        return f"pos.eq.{axis};meta.main"
    ucd = parameter.ucd or meaning.ucd or None
    if ucd and ucd.lower() in ("pos.eq.ra;meta.main", "pos.eq.dec;meta.main"):
        return ucd.partition(";")[0]
    return ucd


def unit_text(data: ColumnData) -> str | None:
    """Returns the unit in the notation of the VO, or as written if VOUnits does not have it."""
    if data.unit is None:
        return None
    try:
        return str(data.unit.to_string("vounit")) or None
    except (AttributeError, ValueError):
        return str(data.unit) or None


def _values(data: ColumnData) -> tuple[Any, str | None, _Values]:
    """Returns the type, the size of arrays and a function that lists values, None for missing ones.

    Raises
    ------
    NoColumn
        A VO table cannot represent the values.
    """
    if data.kind == "M":
        data = replace(data, values=_timestamps(data.values), mask=data.missing)
    if data.kind == "U":
        if data.values.ndim != 1:
            raise NoColumn("it has arrays of text")
        ascii_only = all(value is None or value.isascii() for value in _listed(data))
        return ("char" if ascii_only else "unicodeChar"), "*", lambda: _listed(data)
    if data.kind == "O":
        return _lists(data)
    datatype = _DATATYPES.get(data.values.dtype.str[1:])
    if datatype is None:
        raise NoColumn(f"it has values of type {data.values.dtype}")
    if data.kind == "u" and bool((data.filled(0) > _LARGEST).any()):
        # The VO has no unsigned integers of 64 bits; text keeps all digits.
        if data.values.ndim != 1:
            raise NoColumn("it has arrays of unsigned integers above 2^63")
        return "char", "*", lambda: [v if v is None else str(v) for v in _listed(data)]
    if data.values.ndim == 1:
        return datatype, None, lambda: _listed(data)
    size = "x".join(str(length) for length in reversed(data.values.shape[1:]))
    if 0 in data.values.shape[1:]:
        raise NoColumn("its arrays are empty")
    return datatype, size, lambda: _arrays(data)


def _arrays(data: ColumnData) -> list[Any]:
    rows = data.values if data.mask is None else np.ma.array(data.values, mask=data.mask)
    gone: Any = data.missing.reshape(len(data.values), -1).all(axis=1)
    return [None if none else row for row, none in zip(rows, gone, strict=True)]


def _timestamps(values: Any) -> Any:
    """Returns times in the notation of DALI, without zeros at the end that no clock measured."""
    texts = np.datetime_as_string(values)
    if not texts.size or "." not in str(texts.flat[0]):
        return texts
    return np.char.rstrip(np.char.rstrip(texts, "0"), ".")


def _listed(data: ColumnData) -> list[Any]:
    values = data.values.tolist()
    gone = data.missing.tolist()
    return [None if none else value for value, none in zip(values, gone, strict=True)]


def _lists(data: ColumnData) -> tuple[Any, str, _Values]:
    """Returns arrays of variable length."""
    gone: list[bool] = data.missing.tolist()
    rows = [None if none else np.asarray(r) for r, none in zip(data.values, gone, strict=True)]
    kinds = [row.dtype for row in rows if row is not None and row.size]
    kind = np.result_type(*kinds) if kinds else np.dtype(float)
    datatype = _DATATYPES.get(kind.str[1:])
    if datatype is None or any(row is not None and row.ndim != 1 for row in rows):
        raise NoColumn(f"it has arrays of {kind}")
    if kind.kind == "u" and any(row is not None and (row > _LARGEST).any() for row in rows):
        raise NoColumn("it has arrays of unsigned integers above 2^63")
    return datatype, "*", lambda: rows
