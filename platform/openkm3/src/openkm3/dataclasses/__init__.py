"""What :meth:`openkm3.store.KM3Store.get` returns: one class for each kind of content."""

from __future__ import annotations

from .function import Function
from .lookup import LookUpTable
from .media import AcousticSample, Plot
from .resource import KM3Object
from .selection import class_for
from .service import SCSServiceVO
from .tables import AnnotatedTable, HDFTable, TableObject

__all__ = [
    "AcousticSample",
    "AnnotatedTable",
    "Function",
    "HDFTable",
    "KM3Object",
    "LookUpTable",
    "Plot",
    "SCSServiceVO",
    "TableObject",
    "class_for",
]

# The published messages name the classes as "openkm3.dataclasses.Function".
for _class in (
    AcousticSample,
    AnnotatedTable,
    Function,
    HDFTable,
    KM3Object,
    LookUpTable,
    Plot,
    SCSServiceVO,
    TableObject,
):
    _class.__module__ = __name__
