"""Annotated JSON (lookup tables, functions): here for its metadata; it holds no table of rows."""

from __future__ import annotations

from pathlib import Path

from .. import annotated
from .dataset import DataSet


def read(path: Path) -> DataSet:
    """Check the document and return its metadata; the content is for :mod:`openkm3.annotated`."""
    annotation, _ = annotated.read(path)
    return DataSet({}, annotation)
