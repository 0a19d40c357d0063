"""Arrays of text: decoding the bytes of files, and encoding to bytes."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def text(value: object) -> str:
    """Return one text; bytes that are not UTF-8 are read as Latin-1, which loses nothing."""
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return value.decode("latin-1")
    return str(value)


def decoded(values: Array) -> Array:
    """Return an array of bytes as an array of text."""
    if not values.size:
        return np.empty(values.shape, dtype="U1")
    try:
        return values.astype("U")  # fast, but only for ASCII
    except UnicodeDecodeError:
        return np.array([text(value) for value in values.ravel().tolist()], dtype="U").reshape(
            values.shape
        )


def encoded(values: Array) -> Array:
    """Return an array of text as UTF-8 bytes of a fixed length of at least one byte.

    Raises
    ------
    ValueError
        If a text has characters that UTF-8 cannot encode (lone surrogates).
    """
    if not values.size:
        return np.empty(values.shape, dtype="S1")
    try:
        result = np.char.encode(values, "utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"the text {error.object!r} has characters that UTF-8 lacks") from None
    return result.astype("S1") if result.dtype.itemsize == 0 else result
