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


class SpectrumError(NugammaError):
    """A spectrum cannot be evaluated or fitted: a parameter, energy or unit is impossible."""


class SourceError(NugammaError):
    """A source is not known, or its description is not usable."""


class InferenceError(NugammaError):
    """A fit, a scan or an interval cannot be made of what was given."""


class VisibilityError(NugammaError):
    """A declination or zenith angle that is none, or a source that is never visible."""


class CountingError(NugammaError):
    """A count, background, selection or confidence level that is none."""


class FollowUpError(NugammaError):
    """An alert, sky map or event list that no follow-up can be made of."""


class RunningError(NugammaError):
    """Work cannot be run, continued or written."""


class NugammaWarning(UserWarning):
    """Something was left out, assumed or lost; the message says what, and how much."""


class SourceWarning(NugammaWarning):
    """Part of a source's description is not used."""


class FollowUpWarning(NugammaWarning):
    """A sky map leaves something open, and the usual reading was taken."""


class DatasetWarning(NugammaWarning):
    """A dataset sees only a part of its source, or in another way than it was asked."""
