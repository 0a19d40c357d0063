"""Single columns and cells: their metadata, and their values as JSON."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from openkm3.formats import ColumnData, missing
from openkm3.metadata import Annotation, Parameter

#: JavaScript reads every JSON number as a double: beyond this, whole numbers lose their last digits
#: (ECMA-262, ``Number.MAX_SAFE_INTEGER``).
LARGEST_EXACT = 2**53 - 1
_LONGEST_TEXT = 200
_MOST_ELEMENTS = 4
#: Shown in place of an array element without a value.
NO_VALUE = "–"  # noqa: RUF001 - an en dash, not a minus


def parameter_of(annotation: Annotation, column: str) -> Parameter:
    """Returns the metadata of a column."""
    for key, parameter in annotation.paraminfo.items():
        if column in (parameter.columnname, key):
            return parameter
    return Parameter()


def unit_of(column: Any, parameter: Parameter) -> str:
    """Returns a column's unit: that of the data, else that of the metadata."""
    unit = getattr(column, "unit", None)
    return str(unit) if unit is not None and str(unit) else parameter.unit or ""


def missing_rows(column: Any) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Returns which rows of a column have no value; an array counts if any element has one."""
    absent = missing(column)
    return np.asarray(absent.all(axis=tuple(range(1, absent.ndim))))


def numbers(column: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Returns a column of numbers, with NaN for missing values."""
    # A copy, because callers overwrite values.
    return np.array(ColumnData.of(column).numbers(), dtype=float)


def ucd_of(column: Any, parameter: Parameter) -> str:
    """Returns a column's UCD: that of the metadata, else that of the file."""
    return parameter.ucd or ColumnData.of(column).meaning.ucd


def plain(value: Any) -> Any:
    """Returns a cell as a JSON value.

    A missing value is None, distinct from an empty text and from NaN. Values that JSON or
    JavaScript cannot represent become text: NaN, infinities, and integers beyond 2^53.
    """
    if isinstance(value, np.ndarray) and value.ndim:
        return _array(value)
    if value is None or np.ma.is_masked(value) or np.all(getattr(value, "mask", False)):
        return None
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer, float, np.floating)):
        return _number(value)
    return _text(value)


def _number(value: Any) -> int | float | str:
    if isinstance(value, (int, np.integer)):
        return int(value) if abs(int(value)) <= LARGEST_EXACT else str(int(value))
    # The text of a 32-bit number has its significant digits; its 64-bit value has more.
    number = float(value) if isinstance(value, float) else float(str(value))
    return number if math.isfinite(number) else _NOT_FINITE.get(number, "NaN")


def _text(value: Any) -> str | None:
    if isinstance(value, (np.datetime64, np.timedelta64)) and np.isnat(value):
        return None
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"


_NOT_FINITE = {math.inf: "inf", -math.inf: "-inf"}


def _array(value: np.ndarray[Any, Any]) -> str:
    items = [plain(item) for item in value.ravel()[:_MOST_ELEMENTS]]
    inside = ", ".join(NO_VALUE if item is None else str(item) for item in items)
    return f"[{inside}{', ...' if value.size > _MOST_ELEMENTS else ''}]"


def json_safe(value: Any) -> Any:
    """Returns a document with numbers that JSON lacks as text."""
    if isinstance(value, dict):
        return {str(key): json_safe(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_safe(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return _NOT_FINITE.get(value, "NaN")
    return value
