"""Publishes tables to the Virtual Observatory: TAP 1.1, ADQL 2.1 and cone search on SQLite.

:func:`publish` and :func:`publish_sqlite` put tables into a folder, :class:`TapService` answers
queries on them in this process, and :func:`adqlite.http.asgi.application` does so over HTTP.
"""

from adqlite.errors import MetadataError, QueryError, VOError
from adqlite.limits import Limits
from adqlite.publication import publish, publish_sqlite
from adqlite.service import TapService
from adqlite.tables.metadata import ForeignKey, Schema, Table, TableColumn
from adqlite.tables.storage import TableStore

__all__ = [
    "ForeignKey",
    "Limits",
    "MetadataError",
    "QueryError",
    "Schema",
    "Table",
    "TableColumn",
    "TableStore",
    "TapService",
    "VOError",
    "publish",
    "publish_sqlite",
]
