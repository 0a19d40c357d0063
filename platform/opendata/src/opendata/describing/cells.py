"""Single columns and cells: what the metadata say of them, and their values as JSON."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from openkm3.metadata import Annotation, Parameter


def parameter_of(annotation: Annotation, column: str) -> Parameter:
    """Return what the metadata say of a column."""
    for key, parameter in annotation.paraminfo.items():
        if column in (parameter.columnname, key):
            return parameter
    return Parameter()


def plain(value: Any) -> Any:
    """Return a cell as JSON value; numbers that JSON has not become text."""
    if np.ma.is_masked(value):
        return ""
    if isinstance(value, np.ndarray):
        inside = ", ".join(str(plain(item)) for item in value.ravel()[:4])
        return f"[{inside}{', ...' if value.size > 4 else ''}]"
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return number if math.isfinite(number) else str(number)
    return str(value)[:200]
