"""How much of a source a telescope sees: from its site, and within its field of view."""

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

#: Sample directions that represent the brightness of a source, all with the same weight.
SAMPLES = 20_001
#: Fraction of a source beyond the field of view from which on a warning is given, and from which
#: on the source is refused (ours).
WARN_BEYOND, REFUSE_BEYOND = 0.01, 0.5
#: Loss of events by vignetting from which on a warning is given (ours).
WARN_VIGNETTING = 0.1
#: Fraction of a source that may lie outside the map (ours).
OUTSIDE_MAP = 1e-3
#: Distance that a source keeps from the edge of the map: CTA's point spread function at 0.1 TeV.
MARGIN = 0.3 * u.deg
#: Latitudes of CTAO's sites (https://www.ctao.org/emission-to-discovery/array-sites).
LATITUDES = {"south": -24.68 * u.deg, "north": 28.76 * u.deg}
#: Zenith angles of the released responses (doi:10.5281/zenodo.5499840).
RELEASED_ZENITHS = (20, 40, 60) * u.deg
#: Half of the step between them.
ZENITH_REACH = 10 * u.deg
#: No released response is valid beyond this zenith angle.
LARGEST_ZENITH = 70 * u.deg
HORIZON = 90 * u.deg
#: Energy for which areas are compared.
REFERENCE_ENERGY = 1 * u.TeV


@dataclass(frozen=True)
class Coverage:
    """Which fractions of a source are seen.

    Parameters
    ----------
    beyond
        Fraction of the brightness outside the map, or too far from all pointings.
    counted
        Mean exposure of the whole source divided by that at its centre, at 1 TeV.
    """

    beyond: float
    counted: float


def places(source: Placed) -> SkyCoord:
    """Returns directions distributed as the brightness of a source (in a sunflower pattern)."""
    centre = source.position.icrs
    if source.morphology == "point":
        return SkyCoord([centre.ra], [centre.dec])
    part = (np.arange(SAMPLES) + 0.5) / SAMPLES
    size = u.Quantity(source.radius)
    if source.morphology == "disk":
        distance = 2 * np.arcsin(np.sqrt(part) * np.sin(size / 2))
    else:
        distance = size * np.sqrt(-2 * np.log1p(-part))
    turn = np.pi * (3 - np.sqrt(5)) * np.arange(SAMPLES) * u.rad
    return centre.directional_offset_by(turn, np.minimum(distance, 180 * u.deg))


def map_width(source: Placed, widths: tuple[u.Quantity, ...]) -> u.Quantity:
    """Returns the first width whose map contains the source but for `OUTSIDE_MAP`, or the last."""
    if source.morphology == "point":
        return widths[0]
    local = places(source).transform_to(source.position.icrs.skyoffset_frame())
    reach = np.maximum(np.abs(local.lon.wrap_at(180 * u.deg)), np.abs(local.lat))
    for width in widths:
        if np.mean(reach > width / 2 - MARGIN) < OUTSIDE_MAP:
            return width
    return widths[-1]


def coverage(
    source: Placed,
    pointings: list[SkyCoord],
    largest_offset: u.Quantity,
    half_width: u.Quantity,
    area: EffectiveAreaTable2D,
) -> Coverage:
    """Returns which fractions of a source the pointings see."""
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
    values = area.evaluate(energy_true=REFERENCE_ENERGY, offset=np.minimum(offset, edge))
    return np.asarray(np.maximum(values.to_value("m2"), 0)).ravel()


def check_field_of_view(source: Placed, found: Coverage, label: str = "CTA") -> None:
    """Warns about events of a source that are not counted.

    Raises
    ------
    DatasetError
        If most of the source lies beyond the field of view.
    """
    beyond, lost = 100 * found.beyond, 100 * (1 - found.counted)
    size = f"{source.morphology} of {u.Quantity(source.radius).to_value('deg'):g} deg"
    if found.beyond > REFUSE_BEYOND:
        raise DatasetError(
            f"source {source.name}: {beyond:.0f} % of the {size} lies beyond {label}'s field of "
            f"view, so {label} cannot measure it; use neutrinos alone"
        )
    if found.beyond > WARN_BEYOND:
        reason = f"{beyond:.0f} % of the {size} lies beyond {label}'s field of view"
    elif found.counted < 1 - WARN_VIGNETTING:
        reason = f"the {size} extends far off {label}'s axis, where the effective area is smaller"
    else:
        return
    warnings.warn(
        f"source {source.name}: {reason}; {label} counts {lost:.0f} % fewer events than from a "
        "point source with the same spectrum",
        DatasetWarning,
        stacklevel=2,
    )


def check_site(
    source: Placed, site: str | None, zenith: u.Quantity | None, label: str = "CTA"
) -> None:
    """Warns if a source is not high enough over a site for the zenith angle of the response.

    Raises
    ------
    DatasetError
        If the source never rises there.
    """
    if site is None:
        warnings.warn(
            f"source {source.name}: visibility not checked, because the response of {label} does "
            "not name its site",
            DatasetWarning,
            stacklevel=2,
        )
        return
    declination = source.position.icrs.dec
    highest = abs(declination - LATITUDES[site])
    other = "north" if site == "south" else "south"
    there = abs(declination - LATITUDES[other])
    advice = f"use CTA {other.title()} (--cta-response {other}-{_suitable(there)}deg)"
    if there > LARGEST_ZENITH:
        advice = "use neutrinos alone"
    if highest >= HORIZON:
        raise DatasetError(
            f"source {source.name} at declination {declination.deg:.1f} deg never rises over CTA "
            f"{site.title()}; {advice}"
        )
    if highest > LARGEST_ZENITH:
        warnings.warn(
            f"source {source.name}: hardly visible from CTA {site.title()}, where it rises no "
            f"higher than {90 - highest.to_value('deg'):.0f} deg above the horizon; real "
            f"observations would count far fewer events; {advice}",
            DatasetWarning,
            stacklevel=2,
        )
        return
    if zenith is None:
        warnings.warn(
            f"source {source.name}: the response of {label} does not give its zenith angle; the "
            f"source culminates {highest.to_value('deg'):.0f} deg from the zenith",
            DatasetWarning,
            stacklevel=2,
        )
    elif highest > zenith + ZENITH_REACH:
        warnings.warn(
            f"source {source.name}: at CTA {site.title()} it culminates "
            f"{highest.to_value('deg'):.0f} deg from the zenith, but the response is for "
            f"{zenith.to_value('deg'):.0f} deg and predicts too many events at low energies; use "
            f"--cta-response {site}-{_suitable(highest)}deg",
            DatasetWarning,
            stacklevel=2,
        )


def _suitable(zenith: u.Quantity) -> int:
    """Returns the nearest zenith angle of the released responses, deg."""
    return int(RELEASED_ZENITHS[np.argmin(abs(RELEASED_ZENITHS - zenith))].to_value("deg"))
