"""The path of a source over ARCA's sky, in bins of zenith angle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.coordinates import AltAz, EarthLocation, SkyCoord
from astropy.time import Time
from astropy.utils import iers

from nugamma.errors import DatasetError

#: Where ARCA is.
ARCA = EarthLocation.from_geodetic(lat="36° 16'", lon="16° 06'", height=-3500)
#: The year over which a source's path is followed.
YEAR = Time(["2019-01-01", "2020-01-01"])
#: Edges of the zenith bins; datasets are made of those whose centre is below the horizon or close.
COS_ZENITH_EDGES = np.linspace(-1, 1, 13)
LOWEST_CENTRE = 80 * u.deg

#: Pixels whose angles are found together: few enough for the processor's cache.
TOGETHER = 128

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ZenithBin:
    """The time that a source spends in one bin of zenith angle.

    Parameters
    ----------
    mean
        Mean zenith angle of the source, deg.
    fraction
        Part of all time that the source is in the bin.
    zeniths
        Unit vectors (ICRS) to ARCA's zenith at the time steps in the bin, shape (n, 3).
    """

    mean: u.Quantity
    fraction: float
    zeniths: Floats


def source_path(position: SkyCoord, time_step: u.Quantity) -> list[ZenithBin]:
    """Zenith bins in which ARCA can use a source, the most upgoing first.

    Parameters
    ----------
    position
        Of the source.
    time_step
        Between the instants of the year that are looked at; up to a day.

    Raises
    ------
    DatasetError
        If the source is never there, or the time step makes no sense.
    """
    hours = time_step.to_value("h")
    if not 0 < hours <= 24 * 14:
        raise DatasetError(
            f"a time step of {time_step} does not sample the path of a source: choose one between "
            "a minute and two weeks, 8 h is a good choice"
        )
    start, end = YEAR.unix
    times = np.linspace(start, end - 3600 * hours, max(1, int(365 * 24 / hours)))
    # The final table of Earth's rotation, which comes with astropy, covers the year: no download.
    with iers.earth_orientation_table.set(iers.IERS_B.open()):
        frame = AltAz(obstime=Time(times, format="unix"), location=ARCA)
        zenith = position.icrs.transform_to(frame).zen.to_value("deg")
        overhead = SkyCoord(np.zeros(len(times)), np.full(len(times), 90), unit="deg", frame=frame)
        vectors = overhead.icrs.cartesian.xyz.value.T

    centres = np.degrees(np.arccos((COS_ZENITH_EDGES[:-1] + COS_ZENITH_EDGES[1:]) / 2))
    edges = np.degrees(np.arccos(COS_ZENITH_EDGES))
    bins = []
    for low, high, centre in zip(edges[1:], edges[:-1], centres, strict=True):
        inside = (zenith > low) & (zenith < high)
        if centre > LOWEST_CENTRE.to_value("deg") and inside.any():
            bins.append(
                ZenithBin(
                    mean=zenith[inside].mean() * u.deg,
                    fraction=float(inside.mean()),
                    zeniths=vectors[inside],
                )
            )
    if not bins:
        raise DatasetError(
            f"a source at declination {position.icrs.dec:.2f} is never low enough for ARCA: its "
            f"zenith angle stays below {zenith.max():.1f} deg, and events are used from "
            f"{edges[COS_ZENITH_EDGES.searchsorted(0.16)]:.1f} deg on"
        )
    return bins


def node_weights(directions: Floats, zeniths: Floats, nodes: u.Quantity) -> Floats:
    """Average of linear interpolation weights over the zenith angles that a pixel goes through.

    As interpolation is linear in the values at the nodes, so is its average over time: with these
    weights one matrix product gives the average of any table, for all pixels, exactly.

    Parameters
    ----------
    directions
        Unit vectors (ICRS) of pixels, shape (n, 3).
    zeniths
        Unit vectors to the zenith at each time, shape (t, 3).
    nodes
        Zenith angles, ascending, that cover 0 to 180 deg.

    Returns
    -------
    ndarray, shape (nodes, n), each column adds up to 1.
    """
    grid = nodes.to_value("rad")
    spacing = np.diff(grid)
    # Which interval an angle is in: looked up in cells so small that none holds two nodes.
    cells = int(np.ceil(np.pi / spacing.min())) + 1
    first = np.searchsorted(grid, np.arange(cells) * (np.pi / (cells - 1)), side="right") - 1
    first = np.clip(first, 0, len(spacing) - 1)
    above = np.append(grid[1:-1], np.inf)  # end of each interval, but for the last

    total = np.zeros((len(grid), len(directions)))
    for start in range(0, len(directions), TOGETHER):
        some = directions[start : start + TOGETHER]
        angle = some @ zeniths.T
        np.arccos(np.clip(angle, -1, 1, out=angle), out=angle)
        index = first[(angle * ((cells - 1) / np.pi)).astype(np.intp)]
        index += angle >= above[index]
        index += np.arange(len(some))[:, np.newaxis] * len(spacing)
        size = {"minlength": len(some) * len(spacing)}
        count, angles = (
            np.bincount(index.ravel(), weights, **size).reshape(len(some), -1).T
            for weights in (None, angle.ravel())
        )
        upper = (angles - count * grid[:-1, np.newaxis]) / spacing[:, np.newaxis]
        box = total[:, start : start + TOGETHER]
        box[:-1] += count - upper
        box[1:] += upper
    total /= len(zeniths)
    return total


def refined(nodes: u.Quantity, step: u.Quantity) -> u.Quantity:
    """Nodes with more of them in between, at most a step apart.

    Tables are clipped at zero and backgrounds integrated in logarithms after the interpolation;
    both bend the lines between the nodes.
    """
    values, largest = nodes.to_value("deg"), step.to_value("deg")
    counts = np.ceil(np.diff(values) / largest).astype(int)
    pieces = [
        np.linspace(low, high, count, endpoint=False)
        for low, high, count in zip(values[:-1], values[1:], counts, strict=True)
    ]
    return np.concatenate([*pieces, values[-1:]]) * u.deg
