"""The path of a source over the sky of a fixed detector, in bins of zenith angle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.coordinates import AltAz, EarthLocation, SkyCoord
from astropy.time import Time
from astropy.utils import iers

from nugamma.errors import DatasetError

#: Position of ARCA as in arXiv:2309.03007.
ARCA = EarthLocation.from_geodetic(lat="36° 16'", lon="16° 06'", height=-3500)
#: The year over which a source's path is evaluated, as published.
YEAR = Time(["2019-01-01", "2020-01-01"])
#: Edges of the zenith bins, and the zenith angle that the centre of a used bin must exceed
#: (arXiv:2309.03007): below or just above the horizon, where few atmospheric muons arrive.
COS_ZENITH_EDGES = np.linspace(-1, 1, 13)
LOWEST_CENTRE = 80 * u.deg

#: Pixels that are processed together: few enough for the processor's cache.
BATCH = 128

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ZenithBin:
    """The time that a source spends in one zenith bin.

    Parameters
    ----------
    mean
        Mean zenith angle of the source, deg.
    fraction
        Fraction of the time that the source is in the bin.
    zeniths
        Unit vectors (ICRS) to the detector's zenith at the time steps in the bin, shape (n, 3).
    """

    mean: u.Quantity
    fraction: float
    zeniths: Floats


def source_path(
    position: SkyCoord,
    time_step: u.Quantity,
    location: EarthLocation = ARCA,
    label: str = "ARCA",
) -> list[ZenithBin]:
    """Returns the zenith bins in which a detector can use a source, the most upgoing first.

    Parameters
    ----------
    position
        Of the source.
    time_step
        Time between the evaluated positions, up to two weeks.
    location
        Of the detector.
    label
        Of the detector, for messages.

    Raises
    ------
    DatasetError
        If the source is never low enough, or the time step is out of range.
    """
    hours = time_step.to_value("h")
    if not 0 < hours <= 24 * 14:
        raise DatasetError(
            f"a time step of {time_step} is out of range; choose one above zero and up to two "
            "weeks, such as 8 h"
        )
    start, end = YEAR.unix
    times = np.linspace(start, end - 3600 * hours, max(1, int(365 * 24 / hours)))
    # The final table of the Earth's rotation, which astropy carries, covers the year: no download.
    with iers.earth_orientation_table.set(iers.IERS_B.open()):
        frame = AltAz(obstime=Time(times, format="unix"), location=location)
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
            f"a source at declination {position.icrs.dec:.2f} is never low enough for {label}: its "
            f"zenith angle stays below {zenith.max():.1f} deg, and only events from "
            f"{edges[COS_ZENITH_EDGES.searchsorted(0.16)]:.1f} deg on are used"
        )
    return bins


def node_weights(directions: Floats, zeniths: Floats, nodes: u.Quantity) -> Floats:
    """Returns linear interpolation weights, averaged over the zenith angles of each pixel.

    Interpolation is linear in the values at the nodes, and so is its average over time: with these
    weights one matrix product gives the exact average of any table for all pixels.

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
    ndarray, shape (nodes, n); each column sums to 1.
    """
    grid = nodes.to_value("rad")
    spacing = np.diff(grid)
    # Finds the interval of an angle by cells that are too small to contain two nodes.
    cells = int(np.ceil(np.pi / spacing.min())) + 1
    first = np.searchsorted(grid, np.arange(cells) * (np.pi / (cells - 1)), side="right") - 1
    first = np.clip(first, 0, len(spacing) - 1)
    above = np.append(grid[1:-1], np.inf)  # end of each interval, but for the last

    total = np.zeros((len(grid), len(directions)))
    for start in range(0, len(directions), BATCH):
        some = directions[start : start + BATCH]
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
        box = total[:, start : start + BATCH]
        box[:-1] += count - upper
        box[1:] += upper
    total /= len(zeniths)
    return total


def refined(nodes: u.Quantity, step: u.Quantity) -> u.Quantity:
    """Returns nodes with more nodes in between, at most a step apart.

    After interpolation tables are clipped at zero and backgrounds are integrated in logarithms;
    neither is linear between the nodes.
    """
    values, largest = nodes.to_value("deg"), step.to_value("deg")
    counts = np.ceil(np.diff(values) / largest).astype(int)
    pieces = [
        np.linspace(low, high, count, endpoint=False)
        for low, high, count in zip(values[:-1], values[1:], counts, strict=True)
    ]
    return np.concatenate([*pieces, values[-1:]]) * u.deg
