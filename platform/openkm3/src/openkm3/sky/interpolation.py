"""Fast transformations for many events within a short time."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import astropy.units as u
from astropy.coordinates.erfa_astrom import ErfaAstromInterpolator, erfa_astrom
from astropy.time import Time

STEP = 300 * u.s


def interpolated(time: Time) -> AbstractContextManager[object]:
    """Return a context in which astropy computes precession, nutation and Earth's motion sparsely.

    They are computed every 5 minutes and interpolated if there are more events than steps, as in a
    run: 20,000 events take 0.1 s instead of 5 s and differ by less than 1e-6 arcsec. Sparse events
    are computed one by one.
    """
    if time.isscalar or time.size < 2:
        return nullcontext()
    span = time.max() - time.min()
    if time.size <= 2 + (span / STEP).to_value(""):
        return nullcontext()
    chosen: AbstractContextManager[object] = erfa_astrom.set(ErfaAstromInterpolator(STEP))
    return chosen
