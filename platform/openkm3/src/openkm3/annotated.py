"""High-level data that are not tables of rows: lookup tables and functions, as annotated JSON.

::

    {"ktype": "km3.data.l4.function.polynomial",
     "header": {...}, "paraminfo": {"xvalue": {...}, "returnvalue": {...}},
     "content": {"functiontype": "polynomial", "coefficients": [6720.96, ...]}}
"""

from __future__ import annotations

from .formats.annotated import read_document as read
from .formats.annotated import write_document as write
from .metadata.content import Axis, Content, LookupContent, PolynomialContent

__all__ = ["Axis", "Content", "LookupContent", "PolynomialContent", "read", "write"]
