"""Annotated JSON (lookup tables, functions): only its metadata, since it has no table of rows."""

from __future__ import annotations

from pathlib import Path

from .. import annotated
from .dataset import DataSet


def read(path: Path) -> DataSet:
    """Check the document and return its metadata; :mod:`openkm3.annotated` reads the content."""
    annotation, _ = annotated.read(path)
    return DataSet({}, annotation)
