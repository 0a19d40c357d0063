"""Arrays within the cells of a column."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = np.ndarray[Any, Any]
Mask = NDArray[np.bool_]

_LARGEST_EXACT = 2**53


def stacked(cells: list[Any], gone: Mask) -> tuple[Array, Mask] | None:
    """Return arrays or lists as one array with a further axis, or as array of arrays.

    Parameters
    ----------
    cells : list
        One array or list a row.
    gone : numpy.ndarray of bool
        Which rows have none.

    Returns
    -------
    tuple of numpy.ndarray or None
        Values and mask: of one shape if all cells are of one, else objects that are arrays of one
        axis and type. None if the cells are not arrays of numbers, truth values, text or times.
    """
    parts = [None if unset else _part(cell) for cell, unset in zip(cells, gone, strict=True)]
    known = [part for part in parts if part is not None]
    if len(known) != np.count_nonzero(~gone) or not known:
        return None
    # Empty lists have a type by accident.
    types = [array.dtype for array, _ in known if array.size] or [np.dtype(float)]
    if len({dtype.kind for dtype in types}) > 1 and {dtype.kind for dtype in types} - set("iuf"):
        return None
    dtype = np.result_type(*types)
    if len({array.shape for array, _ in known}) > 1:
        return _varying(parts, dtype, gone)
    whole = np.zeros((len(parts), *known[0][0].shape), dtype=dtype)
    mask = np.ones(whole.shape, dtype=bool)
    for number, part in enumerate(parts):
        if part is not None:
            whole[number], mask[number] = part
    return whole, mask


def _part(cell: Any) -> tuple[Array, Mask] | None:
    """Return values and mask of one cell, None if it is no plain array."""
    from .objects import inferred

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


def _varying(
    parts: list[tuple[Array, Mask] | None], dtype: np.dtype[Any], gone: Mask
) -> tuple[Array, Mask] | None:
    known = [part for part in parts if part is not None]
    if any(array.ndim != 1 for array, _ in known):
        return None
    if any(unset.any() for _, unset in known):
        # Within such an array only NaN can say that an element is missing.
        if dtype.kind not in "iuf" or any(
            np.abs(array).max(initial=0) > _LARGEST_EXACT for array, _ in known
        ):
            return None
        dtype = np.dtype(float)
    result = np.empty(len(parts), dtype=object)
    for number, part in enumerate(parts):
        array, unset = part or (np.empty(0), np.zeros(0, bool))
        result[number] = array.astype(dtype)
        if unset.any():
            result[number][unset] = np.nan
    return result, gone
