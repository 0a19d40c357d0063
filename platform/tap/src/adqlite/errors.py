"""Errors of the VO services; each is worded for the person who sent the request."""

from __future__ import annotations


class VOError(Exception):
    """A request that cannot be answered.

    Attributes
    ----------
    status : int
        HTTP status that goes with the error document.
    """

    status = 400


class QueryError(VOError):
    """A query that is not valid ADQL, or names something that does not exist."""


class QueryTimeout(VOError):
    """A query that exceeded its time limit."""


class QueryAborted(VOError):
    """A query that its owner stopped."""


class UploadError(VOError):
    """An uploaded table that is not accepted."""


class UploadTooLarge(UploadError):
    """An uploaded table above the size limit."""

    status = 413


class NotFound(VOError):
    """A table, job or result that does not exist."""

    status = 404


class MethodNotAllowed(VOError):
    """An HTTP method that an address does not answer."""

    status = 405


class RequestTooLarge(VOError):
    """A request body above the size limit."""

    status = 413


class Busy(VOError):
    """The service has reached a limit of concurrent work."""

    status = 503


class StorageFull(VOError):
    """There is no space for what the request would store."""

    status = 507


class MetadataError(ValueError):
    """A description of tables that is inconsistent, or does not match the rows."""
