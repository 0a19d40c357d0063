"""One metadata model for all formats, the vocabulary of contents, and the validator.

The model is tolerant: it reads what KM3NeT has published, odd values included. What is wrong with
it is told by :func:`validate`, one finding a problem.
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
