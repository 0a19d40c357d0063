"""Arrays within the cells of a column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = np.ndarray[Any, Any]
Mask = NDArray[np.bool_]

_LARGEST_EXACT = 2**53


def stacked(parts: Sequence[tuple[Array, Mask] | None], gone: Mask) -> tuple[Array, Mask] | None:
    """Return the arrays of all cells as one array with a further axis, or as array of arrays.

    Parameters
    ----------
    parts : sequence of tuple of numpy.ndarray, or None
        Values and mask of the array in each cell; None where a cell has no array.
    gone : numpy.ndarray of bool
        Which cells are missing.

    Returns
    -------
    tuple of numpy.ndarray or None
        Values and mask: one array if all cells have the same shape, otherwise objects, each a
        one-dimensional array of the same type. None if a cell that is not missing has no array, or
        the arrays have no common type.
    """
    known = [part for part in parts if part is not None]
    if len(known) != np.count_nonzero(~gone) or not known:
        return None
    # The type of an empty list means nothing.
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


def _varying(
    parts: Sequence[tuple[Array, Mask] | None], dtype: np.dtype[Any], gone: Mask
) -> tuple[Array, Mask] | None:
    known = [part for part in parts if part is not None]
    if any(array.ndim != 1 for array, _ in known):
        return None
    if any(unset.any() for _, unset in known):
        # In an array of varying length only NaN can mark a missing element.
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
