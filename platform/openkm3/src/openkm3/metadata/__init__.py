"""One metadata model for all formats, the vocabulary of content types, and the validator.

The model is tolerant: it reads everything that KM3NeT has published, including odd values.
:func:`validate` reports what is wrong, one finding per problem.
"""

from __future__ import annotations

from .ktypes import KTYPES, KType
from .model import Annotation, Header, Origin, Parameter, TimeRange, ValueRange
from .validation import Finding, validate

__all__ = [
    "KTYPES",
    "Annotation",
    "Finding",
    "Header",
    "KType",
    "Origin",
    "Parameter",
    "TimeRange",
    "ValueRange",
    "validate",
]
