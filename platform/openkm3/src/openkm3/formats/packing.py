"""Packs columns that a format cannot hold as they are, and unpacks them on reading.

- Times become ISO 8601 texts and arrays of text become JSON, if a format has no such type.
- Integers become the next wider type that a format has (64-bit unsigned integers become text).
- If a format cannot mark missing values, a boolean column ``NAME_missing`` follows that is true
  where a value of ``NAME`` is missing; ``NAME`` holds an unused number there.

Writers store the notes of :func:`pack` with the metadata, and readers pass them to :func:`unpack`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .columns import Array, ColumnData, Mask, Meaning, instants, kept_unit

#: Notes of a table: column name to its changes and to attributes that the format cannot hold.
Notes = dict[str, dict[str, Any]]

_WIDER = {
    "int8": "int16",
    "uint8": "int16",
    "uint16": "int32",
    "uint32": "int64",
    "float16": "float32",
}


@dataclass(frozen=True)
class Capacity:
    """The capabilities of a format.

    Attributes
    ----------
    types : frozenset of str
        Names of numpy's types, and ``text``, ``text[]`` (arrays of text), ``time`` and ``varying``
        (rows that are arrays of different lengths).
    flags : callable
        Whether a column needs a second one that marks its missing values.
    texts : callable
        Whether a column of text is read back unchanged; if not, it is written as JSON.
    masked : frozenset of str, optional
        The types of columns with missing values, if fewer than `types`.
    nulls : bool
        Whether the format distinguishes missing floating-point numbers from NaN.
    """

    types: frozenset[str]
    flags: Callable[[ColumnData], bool]
    texts: Callable[[ColumnData], bool] = lambda _: True
    masked: frozenset[str] | None = None
    nulls: bool = False


def pack(
    content: Mapping[str, ColumnData], capacity: Capacity
) -> tuple[dict[str, ColumnData], Notes]:
    """Return columns in the form that a format can hold, and notes for :func:`unpack`.

    Raises
    ------
    TypeError
        If the format cannot hold a column in any form; the message names the column.
    """
    packed: dict[str, ColumnData] = {}
    notes: Notes = {}
    for name, data in content.items():
        try:
            stored, kind = _fitted(data, capacity)
        except TypeError as error:
            raise TypeError(f"column {name!r}: {error}") from None
        note: dict[str, Any] = {} if kind is None else {"type": kind}
        if not len(data.values) and data.values.ndim > 1:
            note["shape"] = list(data.values.shape[1:])
        packed[name] = stored
        if capacity.flags(stored):
            note["missing"] = flags = _free_name(name, content, packed)
            gone = stored.missing if stored.mask is None else stored.mask
            # FITS can also mark missing logical values itself, but few readers support that.
            kept = stored.mask if stored.kind == "b" else None
            packed[name] = stored.with_values(blanked(stored), kept)
            packed[flags] = ColumnData(
                gone, meaning=Meaning(description=f"True where {name} has no value")
            )
        note |= data.meaning.plain()
        if data.unit is not None:
            note["unit"] = str(data.unit)
        if note:
            notes[name] = note
    return packed, notes


def unpack(content: Mapping[str, ColumnData], notes: Any) -> dict[str, ColumnData]:
    """Return columns as they were before :func:`pack`; columns without notes are unchanged."""
    known: Notes = notes if isinstance(notes, dict) else {}
    flags = {
        note["missing"]: name
        for name, note in known.items()
        if isinstance(note, dict) and note.get("missing") in content and name in content
    }
    result = {}
    for name, data in content.items():
        note = known.get(name)
        if name not in flags:
            flag = content.get(note.get("missing", "")) if isinstance(note, dict) else None
            result[name] = _unpacked(data, flag, note) if isinstance(note, dict) else data
    return result


def _unpacked(data: ColumnData, flag: ColumnData | None, note: dict[str, Any]) -> ColumnData:
    if flag is not None and flag.values.shape == data.values.shape:
        gone = flag.values.astype(bool)
        data = replace(data, mask=gone if gone.any() else None)
    restored = _restored(data, note.get("type"))
    if not len(data.values) and isinstance(shape := note.get("shape"), list):
        restored = restored.with_values(restored.values.reshape(0, *shape))
    unit = restored.unit if "unit" not in note else kept_unit(str(note["unit"]))
    return replace(restored, unit=unit, meaning=Meaning.parse(note))


def null_value(values: Array, mask: Mask) -> int | None:
    """Return an integer that `values` do not contain, None if they contain all of their type."""
    limits = np.iinfo(values.dtype)
    present = np.unique(values[~mask])
    first = limits.max if limits.min == 0 else limits.min
    for candidate in (first, limits.min, limits.max):
        if candidate not in present:
            return int(candidate)
    # There is a gap between two values, unless all numbers of the type are used.
    gaps = np.flatnonzero(np.diff(present.astype(object)) > 1)
    return int(present[gaps[0]]) + 1 if gaps.size else None


def blanked(data: ColumnData) -> Array:
    """Return the values with a filler in place of missing ones."""
    if data.mask is None:
        return data.values
    if data.kind in "iu":
        null = null_value(data.values, data.mask)
        return data.filled(0 if null is None else null)
    if data.kind == "O":
        return _cells(
            [each[:0] if gone else each for each, gone in zip(data.values, data.mask, strict=True)]
        )
    return data.filled({"f": np.nan, "c": np.nan, "U": "", "b": False}[data.kind])


def iso(data: ColumnData) -> ColumnData:
    """Return times as ISO 8601 texts; a missing time is an empty, missing text."""
    gone = data.missing
    texts = np.where(gone, "", np.datetime_as_string(data.values))
    return data.with_values(texts.astype("U"), gone if gone.any() else None)


def _fitted(data: ColumnData, capacity: Capacity) -> tuple[ColumnData, str | None]:
    """Return a column in a type of the format, and the name of its own type if it differs."""
    if data.kind == "O":
        if "varying" not in capacity.types:
            raise TypeError("arrays of varying length cannot be held by this format")
        return data, None
    if data.kind == "M":
        return (data, None) if "time" in capacity.types else (iso(data), str(data.values.dtype))
    if data.kind == "U":
        if data.values.ndim > 1 and "text[]" not in capacity.types:
            return _as_json(data), "text[]"
        return (data, None) if capacity.texts(data) else (_as_json(data), "text[]")
    return _fitted_number(data, capacity)


def _fitted_number(data: ColumnData, capacity: Capacity) -> tuple[ColumnData, str | None]:
    if data.kind in "fc" and data.mask is not None and not capacity.nulls:
        data = data.with_values(data.filled(np.nan))
    types = capacity.types if data.mask is None or not capacity.masked else capacity.masked
    name = own = data.values.dtype.name
    while name not in types:
        if name == "uint64" and "int64" in types and data.filled(0).max(initial=0) < 2**63:
            name = "int64"
            continue
        if name in ("uint64", "int64") and data.values.ndim > 1:
            return _as_json(data), own
        if name in ("uint64", "int64"):
            return data.with_values(data.values.astype("U"), data.mask), own
        if name not in _WIDER:
            raise TypeError(f"values of type {own} cannot be held by this format")
        name = _WIDER[name]
    return data.with_values(data.values.astype(name), data.mask), None if name == own else own


def _as_json(data: ColumnData) -> ColumnData:
    cells = data.values.astype(object)
    if data.mask is not None:
        cells[data.mask] = None
    texts = [json.dumps(cell) for cell in cells.tolist()]
    return data.with_values(np.array(texts, dtype="U") if texts else np.empty(0, "U1"))


def _restored(data: ColumnData, kind: Any) -> ColumnData:
    """Return a column in its type before packing."""
    if kind == "text[]":
        rows = [json.loads(text) for text in data.values.tolist()]
        return ColumnData.make(_cells(rows)) if rows else data
    try:
        dtype = np.dtype(kind) if isinstance(kind, str) else data.values.dtype
    except TypeError:
        return data
    if dtype.kind == "M" and data.kind == "U":
        return _restored_times(data, dtype)
    if dtype.kind in "iu" and data.kind == "U":
        return _restored_digits(data, dtype)
    if dtype.kind in "iufb" and dtype != data.values.dtype:
        return data.with_values(data.filled(0).astype(dtype), data.mask)
    return data


def _restored_digits(data: ColumnData, dtype: np.dtype[Any]) -> ColumnData:
    """Return integers from decimal digits, or from JSON if each row is an array."""
    if not any(text.startswith("[") for text in data.values[:1].tolist()):
        return data.with_values(data.filled("0").astype(dtype), data.mask)
    rows = np.array([json.loads(text) for text in data.values.tolist()], dtype=object)
    gone = np.array([value is None for value in rows.ravel()], dtype=bool).reshape(rows.shape)
    whole = np.where(gone, 0, rows).astype(dtype)
    return data.with_values(whole, gone if gone.any() else None)


def _restored_times(data: ColumnData, dtype: np.dtype[Any]) -> ColumnData:
    texts = data.filled("")
    if dtype == np.dtype("datetime64[ns]"):
        times = instants(texts)
    else:
        times = np.where(texts == "", "NaT", texts).astype(dtype)
    return data if times is None else data.with_values(times, data.mask)


def _cells(rows: list[Any]) -> Array:
    result = np.empty(len(rows), dtype=object)
    for number, row in enumerate(rows):
        result[number] = row
    return result


def _free_name(name: str, *taken: Mapping[str, Any]) -> str:
    candidate, number = f"{name}_missing", 2
    while any(candidate in each for each in taken):
        candidate, number = f"{name}_missing_{number}", number + 1
    return candidate
