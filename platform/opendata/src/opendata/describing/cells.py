"""Single columns and cells: what the metadata say of them, and their values as JSON."""

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
#: What a page shows within an array in the place of an element without value.
NO_VALUE = "–"  # noqa: RUF001 - an en dash, not a minus


def parameter_of(annotation: Annotation, column: str) -> Parameter:
    """Return what the metadata say of a column."""
    for key, parameter in annotation.paraminfo.items():
        if column in (parameter.columnname, key):
            return parameter
    return Parameter()


def unit_of(column: Any, parameter: Parameter) -> str:
    """Return a column's unit: the one the data carry, else what the metadata say."""
    unit = getattr(column, "unit", None)
    return str(unit) if unit is not None and str(unit) else parameter.unit or ""


def missing_rows(column: Any) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which rows of a column have no value at all; an array needs one to count."""
    absent = missing(column)
    return np.asarray(absent.all(axis=tuple(range(1, absent.ndim))))


def numbers(column: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return a column of numbers with NaN where it has no value."""
    # A copy: what has no value here is blanked there.
    return np.array(ColumnData.of(column).numbers(), dtype=float)


def ucd_of(column: Any, parameter: Parameter) -> str:
    """Return a column's UCD: what the metadata say, else what the file does."""
    return parameter.ucd or ColumnData.of(column).meaning.ucd


def plain(value: Any) -> Any:
    """Return a cell as JSON value.

    No value is None, which is apart from an empty text and from NaN. What JSON or JavaScript cannot
    hold becomes text: NaN, infinities, and whole numbers beyond 2^53.
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
    # The text of a 32-bit number has the digits that are known, its 64-bit value has more.
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
    """Return a document with the numbers that JSON does not have as text."""
    if isinstance(value, dict):
        return {str(key): json_safe(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_safe(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return _NOT_FINITE.get(value, "NaN")
    return value
