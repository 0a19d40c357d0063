"""Arrays of Python objects: the common type of their values, and which are missing."""

from __future__ import annotations

import datetime
import decimal
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cells import stacked
from .texts import text

Array = np.ndarray[Any, Any]
Mask = NDArray[np.bool_]


def is_none(value: Any) -> bool:
    """Return whether an object means a missing value: None, pandas' NA, NaT, masked."""
    if value is None or value is np.ma.masked:
        return True
    if type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (np.datetime64, np.timedelta64)) and bool(np.isnat(value))


def inferred(values: Array, mask: Mask | None = None) -> tuple[Array, Mask]:
    """Return objects as an array of their common type, and a mask of the missing ones.

    Numbers, booleans, texts and times become arrays of their type; arrays of the same shape become
    a further axis; arrays of different lengths stay objects; dicts and lists of texts become JSON.

    Raises
    ------
    TypeError
        If they have several types, or one that a column cannot hold.
    """
    flat = values.ravel().tolist() if values.dtype.kind == "O" else list(values.ravel())
    gone = np.array([is_none(value) for value in flat], dtype=bool)
    if mask is not None:
        gone |= mask.ravel()
    known = [value for value, missing in zip(flat, gone, strict=True) if not missing]
    if not known:
        # The type is unknown; every format can leave out a text.
        return np.full(values.shape, "", dtype="U1"), gone.reshape(values.shape)
    nested = all(isinstance(value, (np.ndarray, list, tuple)) for value in known)
    if nested:
        parts = [None if unset else _part(cell) for cell, unset in zip(flat, gone, strict=True)]
        if (arrays := stacked(parts, gone)) is not None:
            return arrays
    kind = _common(known)
    if kind == "text":  # among texts pandas uses NaN for a missing value
        gone |= np.array([isinstance(value, float) for value in flat], dtype=bool)
    filler, dtype, convert = _TYPES[kind]
    filled = [filler if unset else convert(v) for v, unset in zip(flat, gone, strict=True)]
    result = np.array(filled, dtype=dtype).reshape(values.shape)
    return result, gone.reshape(values.shape)


def _part(cell: Any) -> tuple[Array, Mask] | None:
    """Return values and mask of the array in a cell, None if it is not an array."""
    own = np.ma.getmaskarray(cell) if isinstance(cell, np.ma.MaskedArray) else None
    try:
        array = np.asarray(np.ma.getdata(cell))
        if array.dtype.kind == "O":
            array, unset = inferred(array)
            own = unset if own is None else own | unset
    except (ValueError, TypeError):  # lists of lists of different lengths, or of other things
        return None
    if array.dtype.kind not in "biufcUSM":
        return None
    return array, np.zeros(array.shape, bool) if own is None else own


def _common(known: list[Any]) -> str:
    """Return the common kind of the values."""
    kinds = {_kind(value) for value in known}
    kind = next(iter(kinds)) if len(kinds) == 1 else ""
    if kind == "int":
        low, high = min(known), max(known)
        if low < -(2**63) or high >= 2**64 or (low < 0 and high >= 2**63):
            raise TypeError("integers of more than 64 bits cannot be stored in a column")
        return "int" if high < 2**63 else "unsigned"
    if kinds == {"int", "float"}:
        if any(_kind(value) == "int" and int(float(value)) != value for value in known):
            raise TypeError("floating-point numbers are mixed with integers too large to be one")
        return "float"
    if kinds == {"text", "float"} and all(
        _kind(value) == "text" or math.isnan(value) for value in known
    ):
        return "text"
    if kind not in _TYPES:
        names = sorted({type(value).__name__ for value in known})
        raise TypeError(f"objects of type {', '.join(names[:4])} cannot be stored in a column")
    return kind


def _kind(value: Any) -> str:
    kinds: tuple[tuple[str, Any], ...] = (
        ("bool", (bool, np.bool_)),
        ("int", (int, np.integer)),
        ("float", (float, np.floating)),
        ("complex", (complex, np.complexfloating)),
        ("text", (str, bytes)),
        ("time", (datetime.datetime, datetime.date, np.datetime64)),
        ("json", (dict, list, tuple)),
        ("decimal", decimal.Decimal),
    )
    return next((name for name, types in kinds if isinstance(value, types)), "other")


def _instant(value: Any) -> Any:
    """Return a time of Python, numpy or pandas as numpy's time in UTC."""
    if getattr(value, "tzinfo", None) is not None:
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
    exact = getattr(value, "to_datetime64", None)  # pandas counts nanoseconds
    return exact() if exact else np.datetime64(value)


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError) as error:
        raise TypeError(f"an object cannot be written as JSON: {error}") from None


#: For each kind: the filler of missing values, the type, and the conversion of one value.
_TYPES: dict[str, tuple[Any, Any, Callable[[Any], Any]]] = {
    "bool": (False, bool, bool),
    "int": (0, np.int64, int),
    "unsigned": (0, np.uint64, int),
    "float": (np.nan, float, float),
    "complex": (np.nan, complex, complex),
    "text": ("", "U", text),
    "time": (np.datetime64("NaT", "ns"), "datetime64[ns]", _instant),
    "json": ("", "U", _json),
    # Only text keeps decimal digits exactly.
    "decimal": ("", "U", str),
}
