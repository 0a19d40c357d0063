"""Texts in arrays: from the bytes of files and back."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def text(value: object) -> str:
    """Return one text; bytes that are not UTF-8 are taken as Latin-1, which loses none."""
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return value.decode("latin-1")
    return str(value)


def decoded(values: Array) -> Array:
    """Return an array of bytes as one of text."""
    if not values.size:
        return np.empty(values.shape, dtype="U1")
    try:
        return values.astype("U")  # fast, but for ASCII only
    except UnicodeDecodeError:
        return np.array([text(value) for value in values.ravel().tolist()], dtype="U").reshape(
            values.shape
        )


def encoded(values: Array) -> Array:
    """Return an array of text as UTF-8 bytes of one length, at least one byte.

    Raises
    ------
    ValueError
        If a text ends in NUL characters, which arrays of bytes drop, or has characters that are
        none (lone surrogates).
    """
    if not values.size:
        return np.empty(values.shape, dtype="S1")
    try:
        result = np.char.encode(values, "utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"the text {error.object!r} has characters that UTF-8 lacks") from None
    return result.astype("S1") if result.dtype.itemsize == 0 else result
