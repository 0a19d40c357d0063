"""Event lists in FITS are what gamma-ray software expects."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("astropy", reason="needs astropy: run it in the science environment")
pytest.importorskip("h5py", reason="needs h5py: run it in the science environment")

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table
from astropy.time import Time

from openkm3.formats import DataSet, read, write
from openkm3.formats.eventids import event_number, event_numbers
from tests.openkm3 import published


@pytest.fixture
def written(tmp_path: Path) -> Path:
    if not published.ANTARES.is_dir():
        pytest.skip(f"needs the public ANTARES data in {published.ANTARES}")
    write(published.antares_events(), tmp_path / "antares.fits", without=["ENERGY"])
    return tmp_path / "antares.fits"


def test_gammapy_reads_the_events(written: Path) -> None:
    data = pytest.importorskip("gammapy.data", reason="needs gammapy: run it in the joint image")
    regions = pytest.importorskip("regions", reason="needs regions: run it in the joint image")
    events = data.EventList.read(written)
    assert len(events.table) == 8754
    first = events.time[0].utc.mjd
    assert first == pytest.approx(54138.3105, abs=1e-9)
    assert events.radec[0].ra.deg == 68.2
    cone = regions.CircleSkyRegion(SkyCoord(20, 30, unit="deg"), 2 * u.deg)
    assert sorted(events.select_region(cone).table["ID"]) == ["ANT3659", "ANT5087"]


def test_columns_and_keys_of_gadf(written: Path) -> None:
    with fits.open(written) as file:
        hdu = file["EVENTS"]
        names = [column.name for column in hdu.columns]
        assert names[:5] == ["EVENT_ID", "TIME", "RA", "DEC", "ENERGY"]
        units = [column.unit for column in hdu.columns][:5]
        assert units == [None, "s", "deg", "deg", "TeV"]
        assert hdu.header["HDUCLASS"] == "GADF"
        assert hdu.header["TIMESYS"] == "TT"
        assert hdu.header["TELESCOP"] == "ANTARES"
        assert hdu.data["EVENT_ID"][0] == 2 * 10**18 + 1
        reference = Time(hdu.header["MJDREFI"] + hdu.header["MJDREFF"], format="mjd", scale="tt")
        times = reference + hdu.data["TIME"] * u.s
        assert times[-1].utc.mjd == pytest.approx(58118.3703, abs=1e-9)
        assert np.isnan(hdu.data["ENERGY"]).all()
        assert hdu.verify_checksum() == 1


def test_units_survive_a_round_trip(tmp_path: Path) -> None:
    table = Table(
        {"ra": [np.pi], "dec": [-0.5], "energy": [1500.0]},
        units={"ra": "rad", "dec": "rad", "energy": "GeV"},
    )
    write(DataSet({"events": table}), tmp_path / "x.fits", profile="vodf", without=["TIME"])
    with fits.open(tmp_path / "x.fits") as file:
        row = file["event-list"].data[0]
        assert (row["RA"], row["ENERGY"]) == (pytest.approx(180), pytest.approx(1.5))
        assert file["event-list"].header["HDUCLASS"] == "VODF"
    result = read(tmp_path / "x.fits").tables["events"]
    assert result["energy"][0] == 1500
    assert str(result["ra"].unit) == "rad"


def test_event_identifiers_become_numbers_of_64_bits() -> None:
    assert event_number("km3.44.6151.1234.7") == 1_044_006151_001234_007
    assert event_number("km3net.44.6151.000001") == 1_044_006151_000001_000
    assert event_number("ANT1157") == 2_000_000000_000000_000 + 1157
    assert event_number("km3.1.9999999.1.1") is None
    assert event_number("other") is None
    assert event_numbers(["ANT1", "ANT1"]) is None
    assert event_numbers(["ANT1", "other"]) is None
    largest = event_number("ANT999999999")
    assert largest is not None
    assert largest < 2**63
