"""Errors and warnings of nugamma; their messages say what to do."""

from __future__ import annotations


class NugammaError(ValueError):
    """Input that nugamma cannot use; the message says which, and what to do."""


class ResponseError(NugammaError):
    """An instrument response is missing, has wrong units, or does not cover the request."""


class DatasetError(NugammaError):
    """A dataset cannot be built, for example because the source is never visible."""


class CacheError(NugammaError):
    """The cache cannot be read or written."""


class SpectrumError(NugammaError):
    """A spectrum cannot be evaluated or fitted: a parameter, energy or unit is invalid."""


class SourceError(NugammaError):
    """A source is unknown, or its description is invalid."""


class InferenceError(NugammaError):
    """A fit, a scan or an interval cannot be computed from the given input."""


class VisibilityError(NugammaError):
    """A declination or zenith angle is invalid, or a source is never visible."""


class CountingError(NugammaError):
    """A count, background, selection or confidence level is invalid."""


class FollowUpError(NugammaError):
    """An alert, sky map or event list cannot be used for a follow-up."""


class RunningError(NugammaError):
    """A computation cannot be run or continued, or its result cannot be read or written."""


class NugammaWarning(UserWarning):
    """Something was left out, assumed or lost; the message says what and how much."""


class SourceWarning(NugammaWarning):
    """Part of a source's description is not used."""


class FollowUpWarning(NugammaWarning):
    """A sky map is ambiguous, and the usual interpretation was taken."""


class DatasetWarning(NugammaWarning):
    """A dataset covers only a part of its source, or differs from a real observation."""
