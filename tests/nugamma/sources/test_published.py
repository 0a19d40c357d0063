from pathlib import Path

import astropy.units as u
import numpy as np
import pytest
from astropy.table import Table
from gammapy.estimators import FluxPoints

from nugamma import sources
from nugamma.errors import SourceError

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "joint"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(),
    reason="needs the published tables in ../shared/data/joint beside the checkout",
)
RAW = {
    "VelaX": "FP_VelaX.csv",
    "RXJ1713": "FP_RXJ1713.csv",
    "HESSJ1908": "FP_J1908_HAWC.csv",
    "Westerlund1": "FP_Wd1.csv",
}


def test_the_four_published_sources_are_there_with_their_citations():
    assert sources.published_sources() == list(RAW)
    for name in RAW:
        source = sources.load_source(name)
        assert source.name == name
        assert "2309.03007" in source.citation
        assert source.flux_points.meta["doi"].startswith("10.")


def test_vela_x_is_where_and_as_large_as_published():
    source = sources.load_source("VelaX")
    assert (source.position.ra.deg, source.position.dec.deg) == (128.287, -45.19)
    assert source.position.frame.name == "icrs"
    assert source.distance == 0.29 * u.kpc
    assert (source.morphology, source.radius) == ("disk", 0.8 * u.deg)
    assert len(source.flux_points) == 24
    assert source.flux_points["dnde"].unit == u.Unit("cm-2 s-1 TeV-1")


def test_the_hawc_source_is_a_gaussian():
    assert sources.load_source("HESSJ1908").morphology == "gaussian"


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("velax", "VelaX"),
        ("Vela X", "VelaX"),
        ("RX J1713.7-3946", "RXJ1713"),
        ("rx_j1713.7-3946", "RXJ1713"),
        ("eHWC J1907+063", "HESSJ1908"),
        ("HESS J1908+063", "HESSJ1908"),
        ("Wd1", "Westerlund1"),
    ],
)
def test_a_source_answers_to_its_other_names(alias, name):
    assert sources.load_source(alias).name == name


def test_an_unknown_source_is_answered_with_the_nearest_name():
    with pytest.raises(SourceError, match=r"did you mean VelaX\? .* YAML"):
        sources.load_source("Vela")
    with pytest.raises(SourceError, match="RXJ1713, HESSJ1908"):
        sources.load_source("Crab")


def test_gammapy_reads_the_packaged_flux_points():
    path = Path(sources.__file__).parent / "data" / "velax.ecsv"
    assert FluxPoints.read(path).geom.axes["energy"].nbin == 24


@needs_shared
@pytest.mark.parametrize("name", RAW)
def test_packaged_flux_points_are_the_published_ones(name):
    expected = Table.read(SHARED / RAW[name])
    found = sources.load_source(name).flux_points
    for column in expected.colnames:
        assert np.array_equal(found[column].value, expected[column])


@needs_shared
def test_packaged_positions_are_the_published_ones():
    for row in Table.read(SHARED / "sources_catalog.csv"):
        source = sources.load_source(row["Name"])
        found = [
            source.position.ra.deg,
            source.position.dec.deg,
            source.distance.value,
            source.radius.value,
        ]
        assert found == [row["RA"], row["Dec"], row["Dist"], row["Radius"]]
