"""Sky maps in every legal way of writing them, against healpy, mhealpy, mocpy and astropy."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import healpy  # type: ignore[import-untyped]
import mhealpy  # type: ignore[import-untyped]
import numpy as np
import numpy.typing as npt
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table
from mocpy import MOC  # type: ignore[import-untyped]

from nugamma.errors import FollowUpError, FollowUpWarning
from nugamma.neutrino import healpixels
from nugamma.neutrino.regions import Circle, CredibleRegion, SkyMap

Floats = npt.NDArray[np.float64]

NSIDE = 64
PIXELS = np.arange(12 * NSIDE**2)
PLACE = SkyCoord(120, -30, unit="deg", frame="icrs")
FRAMES = {"C": "icrs", "G": "galactic", "E": "barycentricmeanecliptic", "FK5": "fk5"}


@pytest.fixture(autouse=True)
def _nothing_is_assumed() -> Iterator[None]:
    """Files that say everything are read without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", FollowUpWarning)
        yield


def blob(place: SkyCoord = PLACE, coordsys: str = "C", nside: int = NSIDE) -> Floats:
    """A Gaussian of 2.9 deg in pixels (ring order) of a frame, drawn by healpy and astropy."""
    there = place.transform_to(FRAMES[coordsys]).spherical
    centre = healpy.ang2vec(there.lon.deg, there.lat.deg, lonlat=True)
    vectors = np.array(healpy.pix2vec(nside, np.arange(12 * nside**2)))
    p = np.exp((centre @ vectors - 1) * 400)
    return np.asarray(p / p.sum())


def write(
    path: Path, columns: dict[str, Any], units: dict[str, str] | None = None, **head: Any
) -> Path:
    table = Table(columns)
    for name, unit in (units or {}).items():
        table[name].unit = unit
    hdu = fits.table_to_hdu(table)
    hdu.header.update({"PIXTYPE": "HEALPIX", "COORDSYS": "C"} | head)
    if head.get("COORDSYS", "") is None:
        del hdu.header["COORDSYS"]
    hdu.writeto(path)
    return path


def is_blob(read: SkyMap, level: float = 0.9) -> None:
    """Peak, content and credible region are those of the Gaussian: 1 - exp(-r^2 / 2 sigma^2)."""
    lon, lat = healpy.pix2ang(read.nside, int(read.probability.argmax()), lonlat=True)
    peak = SkyCoord(lon, lat, unit="deg")
    pixel = np.degrees(healpy.nside2resol(read.nside))
    assert peak.separation(PLACE).deg < pixel
    assert read.probability.sum() == pytest.approx(1)
    region = read.credible_region(level)
    radius = np.arccos(1 + np.log(1 - level) / 400) * u.rad
    circle = Circle(PLACE, radius)
    assert region.solid_angle.to_value("deg2") == pytest.approx(
        circle.solid_angle.to_value("deg2"), rel=0.03
    )
    for factor, holds in ((0.8, True), (1.2, False)):
        ring = PLACE.directional_offset_by(np.arange(0, 360, 10) * u.deg, factor * radius)
        assert np.all(region.contains(ring.ra.deg, ring.dec.deg) == holds)


@pytest.mark.parametrize("coordsys", FRAMES)
@pytest.mark.parametrize("ordering", ["RING", "NESTED"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_whole_maps_of_healpy_in_every_frame(
    tmp_path: Path, coordsys: str, ordering: str, dtype: Any
) -> None:
    nest = ordering == "NESTED"
    p = healpy.reorder(blob(coordsys=coordsys), r2n=True) if nest else blob(coordsys=coordsys)
    healpy.write_map(tmp_path / "m.fits", p, nest=nest, coord=coordsys, dtype=dtype)
    is_blob(SkyMap.read(tmp_path / "m.fits"))


@pytest.mark.parametrize("coordsys", FRAMES)
@pytest.mark.parametrize(
    ("column", "unit"),
    [
        ("PROB", None),
        ("PROB", "pix-1"),
        ("PROBABILITY", "percent"),
        ("PROBDENSITY", None),
        ("PROBDENSITY", "sr-1"),
        ("PROBDENSITY", "deg-2"),
        ("PROB", "1/arcmin2"),
        ("PROBDENSITY", "pix-1"),
        ("CONTENTS", "rad-2"),
    ],
)
def test_multi_order_maps_with_any_unit(
    tmp_path: Path, coordsys: str, column: str, unit: str | None
) -> None:
    """Coarse cells for low probabilities; the unit has priority over the name."""
    nested = healpy.reorder(blob(coordsys=coordsys), r2n=True)
    merged = mhealpy.HealpixMap.adaptive_moc_mesh(
        NSIDE, lambda start, stop: nested[start:stop].sum() > 1e-5
    )
    merged[:] = [nested[start:stop].sum() for start, stop in merged.pix_rangesets(NSIDE)]
    areas = u.Quantity(4 * np.pi / 12 / 4.0 ** np.floor(np.log2(merged.uniq / 4) / 2), "sr")
    values = merged.data
    per_area = unit not in (None, "pix-1", "percent") or (unit is None and "DENSITY" in column)
    if per_area:
        values = (values / areas).to_value(unit or "sr-1")
    elif unit == "percent":
        values = values * 100
    path = write(
        tmp_path / "m.fits",
        {"UNIQ": merged.uniq.astype(np.int64), column: values},
        {column: unit} if unit else {},
        ORDERING="NUNIQ",
        COORDSYS=coordsys,
    )
    assert len(merged.uniq) < len(PIXELS) / 5
    is_blob(SkyMap.read(path))


@pytest.mark.parametrize("ordering", ["RING", "NESTED"])
@pytest.mark.parametrize("coordsys", ["C", "G"])
def test_lists_of_pixels_in_any_order(tmp_path: Path, ordering: str, coordsys: str) -> None:
    p = blob(coordsys=coordsys)
    p = healpy.reorder(p, r2n=True) if ordering == "NESTED" else p
    chosen = np.random.default_rng(1).permutation(np.flatnonzero(p > 1e-9))
    path = write(
        tmp_path / "m.fits",
        {"PIXEL": chosen, "PROB": p[chosen]},
        INDXSCHM="EXPLICIT",
        ORDERING=ordering,
        NSIDE=NSIDE,
        COORDSYS=coordsys,
        OBJECT="PARTIAL",
    )
    is_blob(SkyMap.read(path))


def test_partial_map_of_healpy_and_unseen_pixels(tmp_path: Path) -> None:
    p = np.where(blob() > 1e-9, blob(), healpy.UNSEEN)
    healpy.write_map(tmp_path / "partial.fits", p, coord="C", partial=True, dtype=np.float32)
    is_blob(SkyMap.read(tmp_path / "partial.fits"))
    healpy.write_map(tmp_path / "whole.fits", p, coord="C", dtype=np.float32)
    is_blob(SkyMap.read(tmp_path / "whole.fits"))


@pytest.mark.parametrize("multi_order", [False, True])
def test_maps_of_ligo_with_distances(tmp_path: Path, *, multi_order: bool) -> None:
    """PROB or PROBDENSITY beside DISTMU and others, in any order."""
    p = healpy.reorder(blob(), r2n=True)
    distances = {name: np.full(len(p), 40.0) for name in ("DISTMU", "DISTSIGMA", "DISTNORM")}
    if multi_order:
        density = p / healpy.nside2pixarea(NSIDE)
        path = write(
            tmp_path / "m.fits",
            distances | {"UNIQ": 4 * NSIDE**2 + PIXELS, "PROBDENSITY": density},
            {"PROBDENSITY": "sr-1", "DISTMU": "Mpc"},
            ORDERING="NUNIQ",
            INDXSCHM="EXPLICIT",
        )
    else:
        path = write(
            tmp_path / "m.fits",
            distances | {"PROB": p},
            {"PROB": "pix-1", "DISTMU": "Mpc"},
            ORDERING="NESTED",
            INDXSCHM="IMPLICIT",
            NSIDE=NSIDE,
        )
    is_blob(SkyMap.read(path))


def test_finest_cells_keep_their_place_and_size(tmp_path: Path) -> None:
    """Four cells of 0.4 mas are the whole region: numbers beyond the precision of floats."""
    last = 16 * 4**29 - 1
    uniq = [4, 5, last - 3, last - 2, last - 1, last]
    path = write(
        tmp_path / "m.fits", {"UNIQ": uniq, "PROB": [0.01, 0.01, *[0.245] * 4]}, ORDERING="NUNIQ"
    )
    read = SkyMap.read(path)
    region = read.credible_region(0.9)
    assert region.solid_angle.to_value("sr") == pytest.approx(
        4 * 4 * np.pi / (12 * 4.0**29), rel=1e-6
    )
    lon, lat = healpy.pix2ang(2**29, last - 4 * 4**29, nest=True, lonlat=True)
    assert bool(region.contains(np.array(lon), np.array(lat)))
    assert read.probability.sum() == pytest.approx(1)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.99])
def test_credible_region_is_that_of_mocpy(level: float) -> None:
    uniq = 4 * NSIDE**2 + PIXELS
    p = healpy.reorder(blob(), r2n=True)
    expected = MOC.from_valued_healpix_cells(uniq, p, max_depth=6, cumul_to=level)
    found = SkyMap(blob()).credible_region(level)
    pixel = healpy.nside2pixarea(NSIDE)
    # mocpy leaves out the cell that reaches the level.
    assert found.solid_angle.to_value("sr") == pytest.approx(
        4 * np.pi * expected.sky_fraction, abs=1.01 * pixel
    )
    assert found.moc.intersection(expected).sky_fraction == expected.sky_fraction


def test_coverage_map_is_a_region(tmp_path: Path) -> None:
    circle = Circle(PLACE, 5 * u.deg)
    cone = MOC.from_cone(PLACE.ra, PLACE.dec, max_depth=12, radius=5 * u.deg)
    cone.save(tmp_path / "moc.fits", format="fits")
    region = CredibleRegion.read(tmp_path / "moc.fits")
    assert region.solid_angle.to_value("sr") == pytest.approx(
        circle.solid_angle.to_value("sr"), rel=0.02
    )
    declinations, areas = region.declinations()
    assert areas.sum() == pytest.approx(region.solid_angle.to_value("sr"))
    assert np.average(declinations.value, weights=areas) == pytest.approx(-30, abs=0.1)
    rng = np.random.default_rng(3)
    lon, lat = rng.uniform(0, 360, 200), rng.uniform(-40, -20, 200)
    for turn in (30.0, 500.0):
        assert region.share(lon, lat, turn) == pytest.approx(circle.share(lon, lat, turn), abs=0.02)


@pytest.mark.parametrize("coordsys", ["G", "E"])
def test_declinations_of_a_region_are_equatorial(tmp_path: Path, coordsys: str) -> None:
    healpy.write_map(tmp_path / "m.fits", blob(coordsys=coordsys), coord=coordsys, dtype=float)
    declinations, areas = SkyMap.read(tmp_path / "m.fits").credible_region().declinations()
    assert np.average(declinations.value, weights=areas) == pytest.approx(-30, abs=0.3)
    assert np.ptp(declinations.value) < 14


def test_undefined_header_entries_are_reported(tmp_path: Path) -> None:
    path = write(tmp_path / "a.fits", {"PROB": blob()}, ORDERING="RING", COORDSYS=None)
    with pytest.warns(FollowUpWarning, match="does not name its frame"):
        is_blob(SkyMap.read(path))
    is_blob(SkyMap.read(path, frame="ICRS"))
    galactic = write(
        tmp_path / "b.fits", {"PROB": blob(coordsys="G")}, ORDERING="RING", COORDSYS=None
    )
    is_blob(SkyMap.read(galactic, frame="galactic"))
    unordered = write(tmp_path / "c.fits", {"PROB": blob()})
    with pytest.warns(FollowUpWarning, match="the order of its pixels"):
        is_blob(SkyMap.read(unordered))
    with pytest.warns(FollowUpWarning, match="scaled to 1"):
        is_blob(SkyMap.read(write(tmp_path / "d.fits", {"PROB": blob() * 0.99}, ORDERING="RING")))
    relative = write(tmp_path / "e.fits", {"P": blob() * 7}, ORDERING="RING")
    is_blob(SkyMap.read(relative, normalise=True))
    several = write(tmp_path / "f.fits", {"A": np.ones(len(PIXELS)), "B": blob()}, ORDERING="RING")
    is_blob(SkyMap.read(several, column="b"))


UNIQ = 4 * NSIDE**2 + PIXELS
NESTED = healpy.reorder(blob(), r2n=True)


@pytest.mark.parametrize(
    ("columns", "units", "head", "reason"),
    [
        ({"PROB": blob()}, {}, {"COORDSYS": "H", "ORDERING": "RING"}, "unknown frame 'H'"),
        ({"PROB": blob()}, {}, {"ORDERING": "SPIRAL"}, "in the order SPIRAL"),
        ({"PROB": blob()}, {}, {"ORDERING": "NUNIQ"}, "in the order NUNIQ"),
        ({"PROB": blob()}, {}, {"PIXTYPE": "CAR"}, "no table of HEALPix"),
        ({"PROB": blob()}, {"PROB": "erg"}, {"ORDERING": "RING"}, "the unit erg"),
        ({"PROB": blob()[:-5]}, {}, {"ORDERING": "RING", "NSIDE": NSIDE}, "it is truncated"),
        ({"PROB": np.ones(12 * 9) / 108}, {}, {"ORDERING": "RING"}, "not a power of two"),
        ({"PROB": -blob()}, {}, {"ORDERING": "RING"}, "negative"),
        ({"PROB": np.append(blob()[1:], np.nan)}, {}, {"ORDERING": "RING"}, "NaN"),
        ({"PROB": blob() * 0}, {}, {"ORDERING": "RING"}, "zero everywhere"),
        ({"PROB": blob() * 3}, {}, {"ORDERING": "RING"}, "sums to 3"),
        ({"A": blob(), "B": blob()}, {}, {"ORDERING": "RING"}, "name the one"),
        ({"UNIQ": UNIQ}, {}, {"ORDERING": "NUNIQ"}, "without probabilities"),
        ({"UNIQ": UNIQ - UNIQ, "PROB": NESTED}, {}, {"ORDERING": "NUNIQ"}, "invalid cell numbers"),
        (
            {"UNIQ": np.append(UNIQ[1:], 4), "PROB": NESTED},
            {},
            {"ORDERING": "NUNIQ"},
            "would count twice",
        ),
        ({"PIXEL": PIXELS, "PROB": blob()}, {}, {"ORDERING": "RING"}, "needs NSIDE"),
        (
            {"PIXEL": PIXELS // 2, "PROB": blob()},
            {},
            {"ORDERING": "RING", "NSIDE": NSIDE},
            "the same pixel twice",
        ),
        (
            {"PIXEL": PIXELS + 1, "PROB": blob()},
            {},
            {"ORDERING": "RING", "NSIDE": NSIDE},
            "out of range for nside",
        ),
        (
            {"PROB": blob()},
            {},
            {"ORDERING": "RING", "INDXSCHM": "EXPLICIT", "NSIDE": NSIDE},
            "needs a column PIXEL",
        ),
        ({"PROB": blob()}, {}, {"ORDERING": "RING", "INDXSCHM": "SPARSE"}, "SPARSE"),
    ],
)
def test_other_maps_are_refused_with_the_reason(
    tmp_path: Path,
    columns: dict[str, Any],
    units: dict[str, str],
    head: dict[str, Any],
    reason: str,
) -> None:
    path = write(tmp_path / "m.fits", columns, units, **head)
    with pytest.raises(FollowUpError, match=reason) as caught:
        SkyMap.read(path)
    assert str(path) in str(caught.value)


def test_other_files_than_coverage_maps_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "m.fits", {"UNIQ": UNIQ, "PROB": NESTED}, ORDERING="NUNIQ")
    with pytest.raises(FollowUpError, match=r"read a map of probabilities with SkyMap\.read"):
        CredibleRegion.read(path)
    (tmp_path / "text.fits").write_text("nothing")
    with pytest.raises(FollowUpError, match="as a coverage map"):
        CredibleRegion.read(tmp_path / "text.fits")
    with pytest.raises(FollowUpError, match="the region is empty"):
        CredibleRegion(MOC.new_empty(4))
    image = tmp_path / "image.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.ones((4, 4)))]).writeto(image)
    with pytest.raises(FollowUpError, match="no table of HEALPix"):
        SkyMap.read(image)


def test_depth_of_cells_is_exact_to_the_last_number() -> None:
    depth = np.arange(30)
    for uniq in (4 * 4**depth, 16 * 4**depth - 1):
        assert healpixels.orders(uniq).tolist() == depth.tolist()


@pytest.mark.parametrize("scheme", ["", "IMPLICIT"])
@pytest.mark.parametrize("name", ["PIXNUM", "PIXEL"])
def test_a_column_that_numbers_the_pixels_otherwise_is_not_left_out(
    tmp_path: Path, scheme: str, name: str
) -> None:
    """Rows with pixel numbers, in any order: read by number or refused, never in file order."""
    order = np.random.default_rng(1).permutation(PIXELS)
    head = {"ORDERING": "RING", "NSIDE": NSIDE} | ({"INDXSCHM": scheme} if scheme else {})
    path = write(tmp_path / "a.fits", {name: order, "PROB": blob()[order]}, **head)
    if name == "PIXEL" and not scheme:
        is_blob(SkyMap.read(path))
        return
    with pytest.raises(FollowUpError, match=f"column {name} numbers the pixels"):
        SkyMap.read(path)
    path = write(tmp_path / "b.fits", {name: PIXELS, "PROB": blob()}, **head)
    is_blob(SkyMap.read(path))


@pytest.mark.parametrize("nside", ["abc", 64.5])
def test_an_nside_that_is_not_a_number_is_refused(tmp_path: Path, nside: Any) -> None:
    path = write(tmp_path / "a.fits", {"PROB": blob()}, ORDERING="RING", NSIDE=nside)
    with pytest.raises(FollowUpError, match="not a whole number"):
        SkyMap.read(path)


@pytest.mark.parametrize("kind", ["S1", complex, bool])
def test_columns_without_real_numbers_are_refused(tmp_path: Path, kind: Any) -> None:
    path = write(tmp_path / "a.fits", {"PROB": blob().astype(kind)}, ORDERING="RING")
    with pytest.raises(FollowUpError, match="does not contain numbers"):
        SkyMap.read(path)


def test_masked_pixels_and_bad_data_have_no_probability(tmp_path: Path) -> None:
    """Outside of 4 sigma nothing is known; the values there do not count."""
    p = blob()
    far = p < p.max() * np.exp(-8)
    is_blob(SkyMap(np.ma.masked_array(np.where(far, 1.0, p), mask=far)))
    is_blob(SkyMap(100 * p * u.percent))
    path = write(
        tmp_path / "a.fits", {"PROB": np.where(far, -999.0, p)}, ORDERING="RING", BAD_DATA=-999
    )
    is_blob(SkyMap.read(path))
    with pytest.raises(FollowUpError, match="does not contain probabilities"):
        SkyMap(p / u.sr)
