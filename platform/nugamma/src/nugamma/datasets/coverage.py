"""How much of a source CTA sees: from its site, and within its field of view."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.coordinates import SkyCoord

from nugamma.datasets.morphology import Placed
from nugamma.errors import DatasetError, DatasetWarning

if TYPE_CHECKING:
    from gammapy.irf import EffectiveAreaTable2D

Floats = npt.NDArray[np.float64]

#: Places that stand for the brightness of a source, each for the same part.
PLACES = 20_001
#: Parts of a source that may be beyond the field of view: without a word, and at all.
UNSAID, MOST = 0.01, 0.5
#: Half a map less this is what the source must fit into: CTA's point spread function at 0.1 TeV.
MARGIN = 0.3 * u.deg
#: Latitudes of CTAO's sites (https://www.ctao.org/emission-to-discovery/array-sites).
LATITUDES = {"south": -24.68 * u.deg, "north": 28.76 * u.deg}
#: Half of the steps between the zenith angles 20, 40 and 60 deg of the released responses.
ZENITH_REACH = 10 * u.deg
#: Beyond this no response of the release holds.
LOWEST_ZENITH = 70 * u.deg
HORIZON = 90 * u.deg


@dataclass(frozen=True)
class Coverage:
    """Parts of a source's brightness.

    Parameters
    ----------
    beyond
        Outside the map, or farther from all pointings than events are used.
    counted
        Mean exposure of the whole source over that at its centre, at 1 TeV.
    """

    beyond: float
    counted: float


def places(source: Placed) -> SkyCoord:
    """Directions that fill a source as evenly as its brightness does (a sunflower)."""
    centre = source.position.icrs
    if source.morphology == "point":
        return SkyCoord([centre.ra], [centre.dec])
    part = (np.arange(PLACES) + 0.5) / PLACES
    size = u.Quantity(source.radius)
    if source.morphology == "disk":
        distance = 2 * np.arcsin(np.sqrt(part) * np.sin(size / 2))
    else:
        distance = size * np.sqrt(-2 * np.log1p(-part))
    turn = np.pi * (3 - np.sqrt(5)) * np.arange(PLACES) * u.rad
    return centre.directional_offset_by(turn, np.minimum(distance, 180 * u.deg))


def map_width(source: Placed, widths: tuple[u.Quantity, ...]) -> u.Quantity:
    """The first of some widths whose map holds all but a thousandth of the source, or the last."""
    if source.morphology == "point":
        return widths[0]
    local = places(source).transform_to(source.position.icrs.skyoffset_frame())
    reach = np.maximum(np.abs(local.lon.wrap_at(180 * u.deg)), np.abs(local.lat))
    for width in widths:
        if np.mean(reach > width / 2 - MARGIN) < 1e-3:
            return width
    return widths[-1]


def coverage(
    source: Placed,
    pointings: list[SkyCoord],
    largest_offset: u.Quantity,
    half_width: u.Quantity,
    area: EffectiveAreaTable2D,
) -> Coverage:
    """Parts of a source that pointings see."""
    spots = places(source)
    local = spots.transform_to(source.position.icrs.skyoffset_frame())
    inside = (np.abs(local.lon.wrap_at(180 * u.deg)) <= half_width) & (
        np.abs(local.lat) <= half_width
    )
    exposure = np.zeros(len(spots))
    centre = 0.0
    seen = np.zeros(len(spots), dtype=bool)
    for pointing in pointings:
        offset = spots.separation(pointing)
        near = inside & (offset <= largest_offset)
        seen |= near
        exposure += near * _area(area, offset)
        centre += float(_area(area, np.atleast_1d(source.position.separation(pointing)))[0])
    return Coverage(float(1 - seen.mean()), float(exposure.mean() / centre))


def _area(area: EffectiveAreaTable2D, offset: u.Quantity) -> Floats:
    edge = area.axes["offset"].edges[-1]
    values = area.evaluate(energy_true=1 * u.TeV, offset=np.minimum(offset, edge))
    return np.asarray(np.maximum(values.to_value("m2"), 0)).ravel()


def check_field_of_view(source: Placed, found: Coverage) -> None:
    """Say what part of a source CTA does not count, or refuse it.

    Raises
    ------
    DatasetError
        Most of the source lies beyond the field of view.
    """
    beyond, lost = 100 * found.beyond, 100 * (1 - found.counted)
    size = f"{source.morphology} of {u.Quantity(source.radius).to_value('deg'):g} deg"
    if found.beyond > MOST:
        raise DatasetError(
            f"source {source.name}: {beyond:.0f} % of it ({size}) lies beyond CTA's field of view, "
            "so CTA cannot measure it; use neutrinos alone"
        )
    if found.beyond > UNSAID:
        told = f"{beyond:.0f} % of it ({size}) lies beyond CTA's field of view; with that and"
    elif found.counted < 1 - VIGNETTING:
        told = f"a {size} reaches far off CTA's axis; with"
    else:
        return
    warnings.warn(
        f"source {source.name}: {told} the fall of the effective area off axis CTA counts "
        f"{lost:.0f} % fewer events than of a point with the same spectrum",
        DatasetWarning,
        stacklevel=2,
    )


#: Loss by the fall of the effective area off axis that is worth a word.
VIGNETTING = 0.1


def check_site(source: Placed, site: str | None, zenith: u.Quantity | None) -> None:
    """Say, or refuse, what a site cannot see at the zenith angle of its response.

    Raises
    ------
    DatasetError
        The source never rises there.
    """
    if site is None:
        warnings.warn(
            f"source {source.name}: the CTA response does not say for which site it was made, so "
            "whether the source can be seen from there was not checked",
            DatasetWarning,
            stacklevel=2,
        )
        return
    declination = source.position.icrs.dec
    highest = abs(declination - LATITUDES[site])
    other = "north" if site == "south" else "south"
    there = abs(declination - LATITUDES[other])
    advice = f"CTA {other.title()} sees it (--cta-response {other}-{_suitable(there)}deg)"
    if there > LOWEST_ZENITH:
        advice = "neutrinos alone remain"
    if highest >= HORIZON:
        raise DatasetError(
            f"source {source.name} at declination {declination.deg:.1f} deg is not visible to CTA "
            f"{site.title()}: it never rises there; {advice}"
        )
    if highest > LOWEST_ZENITH:
        warnings.warn(
            f"source {source.name}: hardly visible to CTA {site.title()}, where it comes no higher "
            f"than {90 - highest.to_value('deg'):.0f} deg above the horizon: the 200 h near "
            f"the zenith that its dataset stands for do not exist; {advice}",
            DatasetWarning,
            stacklevel=2,
        )
        return
    if zenith is None:
        warnings.warn(
            f"source {source.name}: the CTA response does not say for which zenith angle it was "
            f"made; the source comes as near as {highest.to_value('deg'):.0f} deg to the zenith",
            DatasetWarning,
            stacklevel=2,
        )
    elif highest > zenith + ZENITH_REACH:
        warnings.warn(
            f"source {source.name}: at CTA {site.title()} it comes no nearer to the zenith than "
            f"{highest.to_value('deg'):.0f} deg, but the response is for "
            f"{zenith.to_value('deg'):.0f} deg, so the counts are not those of "
            "any real observation, at low energies too many; "
            f"--cta-response {site}-{_suitable(highest)}deg is the one for it",
            DatasetWarning,
            stacklevel=2,
        )


def _suitable(zenith: u.Quantity) -> int:
    """Zenith angle of the released response that is nearest."""
    return min((20, 40, 60), key=lambda angle: abs(angle - zenith.to_value("deg")))
