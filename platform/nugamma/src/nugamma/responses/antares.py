"""ANTARES 2007-2017: the public acceptance, background and events of its point-source search.

The files belong to Albert et al., ApJL 863 (2018) L30. They are not part of this package: give the
folder that contains them.

- ``acc.txt``: 16 rows of 20 numbers, spectral indices 1.5 to 3.0 by bins of sin(declination) from
  -1 to 1. The unit is 1e8 GeV cm2 s: times the flux at 1 GeV (GeV-1 cm-2 s-1, neutrinos and
  antineutrinos of one flavour) it gives the expected events.
- ``background.txt``: coefficients of a polynomial in declination (deg), lowest order first: the
  number of events below that declination.
- ``ANTARES.data``, optional: right ascension and declination (deg), number of hits, error
  estimate (deg) and time (MJD) of every event.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.coordinates import SkyCoord

from nugamma.errors import ResponseError
from nugamma.responses.pointsource import solid_angle

Floats = npt.NDArray[np.float64]

#: Spectral indices and bin edges of sin(declination) of the acceptance.
INDICES = np.linspace(1.5, 3.0, 16)
SIN_DECLINATIONS = np.linspace(-1, 1, 21)
#: Livetime of the data, from the publication.
LIVETIME = 3136 * u.day
#: Range in which the polynomial rises, as a number of events must.
DECLINATIONS = (-80, 50) * u.deg
_ACCEPTANCE = 1e8 * u.Unit("GeV cm2 s")


@dataclass(frozen=True, eq=False)
class Antares:
    """Acceptance, background and, optionally, events.

    Parameters
    ----------
    acceptance : ndarray, shape (16, 20)
        In 1e8 GeV cm2 s, spectral index by sin(declination).
    below : numpy.polynomial.Polynomial
        Number of background events below a declination in deg.
    events : SkyCoord or None
        Directions of the events, None without ``ANTARES.data``.
    """

    acceptance: Floats
    below: np.polynomial.Polynomial
    events: SkyCoord | None = None

    @classmethod
    def read(cls, folder: str | Path) -> Antares:
        """Reads ``acc.txt``, ``background.txt`` and, if it exists, ``ANTARES.data``.

        Raises
        ------
        ResponseError
            If a file is missing, truncated, or has invalid numbers.
        """
        place = Path(folder)
        acceptance = _numbers(place / "acc.txt")
        if acceptance.shape != (len(INDICES), len(SIN_DECLINATIONS) - 1):
            raise ResponseError(
                f"{place / 'acc.txt'}: the table has the shape {acceptance.shape} instead of 16 "
                "rows "
                "of 20 (spectral index by sin(declination)); download it again"
            )
        if np.any(acceptance <= 0):
            raise ResponseError(
                f"{place / 'acc.txt'}: the acceptance has values that are not positive; download "
                "it again"
            )
        # Normalised at 1 GeV, a softer spectrum gives fewer events.
        if np.any(np.diff(acceptance, axis=0) >= 0):
            raise ResponseError(
                f"{place / 'acc.txt'}: the acceptance must fall with the spectral index; check the "
                "order of the rows, and that the unit is 1e8 GeV cm2 s at 1 GeV"
            )
        coefficients = _numbers(place / "background.txt").ravel()
        below = np.polynomial.Polynomial(coefficients)
        low, high = DECLINATIONS.value
        inside = below(np.linspace(low, high, 131))
        if len(coefficients) != 7 or np.any(np.diff(inside) <= 0) or inside[0] < 0:
            raise ResponseError(
                f"{place / 'background.txt'}: needs seven coefficients, lowest order first, of a "
                f"polynomial that rises between {low:g} and {high:g} deg; the file has "
                f"{len(coefficients)}"
            )
        file = place / "ANTARES.data"
        return cls(acceptance, below, _events(file) if file.exists() else None)

    def events_per_flux(self, declination: u.Quantity, index: float) -> float:
        """Returns the events for a flux of 1 GeV-1 cm-2 s-1 at 1 GeV with a spectral index.

        The value is that of the declination bin, interpolated in logarithm between two indices.
        """
        if not INDICES[0] <= index <= INDICES[-1]:
            raise ResponseError(f"ANTARES' acceptance covers indices 1.5 to 3.0, not {index:g}")
        sine = float(np.sin(declination.to_value(u.rad)))
        column = min(int(np.searchsorted(SIN_DECLINATIONS, sine, side="right")) - 1, 19)
        logarithm = np.interp(index, INDICES, np.log(self.acceptance[:, column]))
        return float(np.exp(logarithm) * _ACCEPTANCE.value)

    def expected(self, declination: u.Quantity, index: float, norm: u.Quantity) -> float:
        """Returns the expected events of a source with flux ``norm (E / GeV)^-index``."""
        flux = float(norm.to_value("GeV-1 cm-2 s-1"))
        if not flux >= 0:
            raise ResponseError(f"the flux must not be negative: {norm}")
        return flux * self.events_per_flux(declination, index)

    def background(self, declination: u.Quantity, radius: u.Quantity) -> float:
        """Returns the expected background in a cone, by area from its band of declination."""
        low, high = declination - radius, declination + radius
        if low < DECLINATIONS[0] or high > DECLINATIONS[1] or not radius > 0 * u.deg:
            raise ResponseError(
                f"a cone of {radius} at declination {declination:.2f} extends beyond the range of "
                f"the background, {DECLINATIONS[0]:g} to {DECLINATIONS[1]:g}"
            )
        count = self.below(high.to_value(u.deg)) - self.below(low.to_value(u.deg))
        band = 2 * np.pi * (np.sin(high) - np.sin(low)).to_value("")
        return float(count * solid_angle(radius) / band)


def _numbers(path: Path) -> Floats:
    if not path.is_file():
        raise ResponseError(f"{path} not found; give the folder with the tables of ANTARES")
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*input contained no data")
            numbers = np.loadtxt(path, ndmin=2)
    except (ValueError, UnicodeDecodeError) as error:
        raise ResponseError(
            f"{path}: not a table of numbers ({error}); download it again"
        ) from error
    if numbers.size == 0 or not np.all(np.isfinite(numbers)):
        raise ResponseError(f"{path}: empty, or with non-finite numbers; download it again")
    return np.asarray(numbers, dtype=float)


def _events(path: Path) -> SkyCoord:
    rows = _numbers(path)
    if rows.shape[1] != 5 or np.any(np.abs(rows[:, 1]) > 90) or np.any(np.abs(rows[:, 0]) > 360):
        raise ResponseError(
            f"{path}: needs five columns: right ascension, declination, hits, error and time"
        )
    return SkyCoord(rows[:, 0], rows[:, 1], unit="deg", frame="icrs")
