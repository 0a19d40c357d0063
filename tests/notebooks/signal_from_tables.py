"""The source events of tutorial 03 from the tables of the FITS files, without gammapy.

Run with the Python of a science environment: `python signal_from_tables.py FOLDER`, where the
folder holds `km3net_aeff.fits`, `km3net_edisp.fits` and `km3net_psf.fits` of km3irf.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from astropy.io import fits
from scipy.interpolate import RegularGridInterpolator

LATITUDE, DECLINATION = np.radians(36 + 16 / 60), np.radians(-45.19)  # ARCA, Vela X
RADIUS = 1.3  # degrees
LIVETIME = 10 * 365.25 * 86400  # seconds
FLUX = 1e-9 * 1e4  # GeV m-2 s-1, of E^2 dN/dE
RECONSTRUCTED = np.geomspace(1e2, 1e6, 17)  # GeV


def table(path: Path) -> dict[str, np.ndarray]:
    """The columns of the only row of the first table."""
    row = fits.getdata(path, 1)
    return {name: np.asarray(row[name][0], dtype=float) for name in row.names}


def zenith_angles() -> np.ndarray:
    """Zenith angle of the source over a sidereal day, radians."""
    hour = np.linspace(0, 2 * np.pi, 1440, endpoint=False)
    across = np.cos(LATITUDE) * np.cos(DECLINATION) * np.cos(hour)
    return np.arccos(np.sin(LATITUDE) * np.sin(DECLINATION) + across)


def signal(folder: Path) -> np.ndarray:
    """Events in each bin of reconstructed energy."""
    area, migration, spread = (
        table(folder / f"km3net_{name}.fits") for name in ("aeff", "edisp", "psf")
    )
    edges = np.geomspace(1e2, 1e8, 577)
    energy = np.log(np.sqrt(edges[1:] * edges[:-1]))
    flux = FLUX * (1 / edges[:-1] - 1 / edges[1:])

    def centres(columns: dict[str, np.ndarray]) -> np.ndarray:
        return np.log(np.sqrt(columns["ENERG_LO"] * columns["ENERG_HI"]))

    theta = (area["THETA_LO"] + area["THETA_HI"]) / 2
    effective = RegularGridInterpolator(
        (theta, centres(area)), area["EFFAREA"], bounds_error=False, fill_value=None
    )
    radius = np.append(0, spread["RAD_HI"])
    ring = np.cos(np.radians(spread["RAD_LO"])) - np.cos(np.radians(spread["RAD_HI"]))
    migra = np.log(np.append(migration["MIGRA_LO"], migration["MIGRA_HI"][-1]))

    zenith, total = zenith_angles(), np.zeros(len(RECONSTRUCTED) - 1)
    bands = np.digitize(zenith, migration["THETA_LO"]) - 1
    for band in np.unique(bands):
        now = zenith[bands == band]
        mean_area = effective(tuple(np.meshgrid(now, energy, indexing="ij"))).mean(axis=0)
        caught = np.cumsum(spread["RPSF"][:, band, :] * 2 * np.pi * ring[:, np.newaxis], axis=0)
        within = [np.interp(RADIUS, radius, np.append(0, column)) for column in caught.T]
        inside = np.interp(energy, centres(spread), within)
        events = flux * mean_area * inside * LIVETIME * len(now) / len(zenith)

        below = np.vstack([np.zeros(len(centres(migration))), migration["MATRIX"][band].cumsum(0)])
        position = np.interp(energy, centres(migration), np.arange(below.shape[1]))
        for number, e, p in zip(events, energy, position, strict=True):
            left = min(int(p), below.shape[1] - 2)
            cumulative = (1 - p + left) * below[:, left] + (p - left) * below[:, left + 1]
            total += number * np.diff(np.interp(np.log(RECONSTRUCTED) - e, migra, cumulative))
    return total


def main() -> None:
    """Print the two totals that the tutorial states."""
    events = signal(Path(sys.argv[1]))
    above = RECONSTRUCTED[:-1] > 9.99e3
    totals = {
        "source events, 10 years": float(events.sum()),
        "source events above 10 TeV, 10 years": float(events[above].sum()),
    }
    print(json.dumps(totals))


if __name__ == "__main__":
    main()
