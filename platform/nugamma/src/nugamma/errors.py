"""What can go wrong, in words for the person who can act."""

from __future__ import annotations


class NugammaError(ValueError):
    """Input that nugamma cannot work with; the message says which and what to do."""


class ResponseError(NugammaError):
    """An instrument response is missing, has the wrong units, or does not cover what was asked."""


class DatasetError(NugammaError):
    """A dataset cannot be made, for example because the source is never visible."""


class CacheError(NugammaError):
    """A file of the cache cannot be read or written."""
