"""Readers and writers of all formats, with one metadata model.

>>> from openkm3.formats import read, write
>>> events = read("events.h5")
>>> write(events, "events.fits")

A reader returns a complete :class:`DataSet` or raises :class:`openkm3.errors.FormatError`. A writer
replaces a file only after the new one is complete.
"""

from __future__ import annotations

from .columns import ColumnData, Meaning, missing
from .conversion import FORMATS, convert, detect, read, write
from .dataset import DataSet

__all__ = [
    "FORMATS",
    "ColumnData",
    "DataSet",
    "Meaning",
    "convert",
    "detect",
    "missing",
    "read",
    "write",
]
