"""KM3NeT's ROOT files: numbers from the text dump and from KM3NeT's own files."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("astropy", reason="needs astropy: run it in the science environment")
pytest.importorskip("h5py", reason="needs h5py: run it in the science environment")
pytest.importorskip("km3io", reason="needs km3io: run it in the science environment")
pytest.importorskip("km3net_testdata", reason="needs it: run it in the science environment")

import km3net_testdata as testdata
import numpy as np

from openkm3.errors import FormatError
from openkm3.formats import convert, daq, detect, read

SLICE = "online/KM3NeT_00000049_00008456.summaryslice-167941"


def data(name: str) -> Path:
    return Path(testdata.data_path(name))


def test_every_rate_equals_the_text_dump() -> None:
    table = read(data(f"{SLICE}.root")).tables["summaryslices"]
    rows = [line.split() for line in data(f"{SLICE}.txt").read_text().splitlines() if line.strip()]
    expected = {int(row[0]): np.array(row[1::2][:31], dtype=float) for row in rows}
    assert len(expected) == len(table) == 103
    for dom, rates in zip(table["dom_id"], table["rate"].to("kHz").value, strict=True):
        np.testing.assert_allclose(rates, expected[int(dom)], atol=0.051)
    first = table["rate"][table["dom_id"] == 806451572][0, :5] / 1e3
    assert np.round(first, 1).tolist() == [53.0, 28.4, 200.0, 24.8, 20.0]


def test_rates_are_logarithmic_between_2_khz_and_2_mhz() -> None:
    codes = np.array([0, 1, 255], dtype="u1")
    np.testing.assert_allclose(daq.rate(codes), [0, 2e3 * 1000 ** (1 / 255), 2e6])


def test_a_thousand_slices_have_the_known_median() -> None:
    table = read(data("online/summaryslices.root")).tables["summaryslices"]
    rates = np.asarray(table["rate"])
    assert len(np.unique(table["slice"])) == 1000
    assert np.median(rates[rates > 0]) == pytest.approx(7144, abs=1)


def test_hits_of_triggered_events() -> None:
    dataset = read(data("online/KM3NeT_00000267_00025291_JDAQEvent_JDAQSummaryslice.root"))
    snapshot = dataset.tables["snapshot_hits"]
    assert len(np.unique(snapshot["event"])) == 13
    assert snapshot["channel_id"].max() <= 30
    triggered = dataset.tables["triggered_hits"]
    # Each triggered hit is one of the snapshot.
    hits = set(zip(snapshot["event"], snapshot["dom_id"], snapshot["time"], strict=True))
    assert all(
        hit in hits
        for hit in zip(triggered["event"], triggered["dom_id"], triggered["time"], strict=True)
    )


def test_offline_events_and_their_best_tracks() -> None:
    path = data("dst/orca6_sample.root")
    assert detect(path) == "offline"
    events = read(path).tables["events"]
    assert len(events) == 2499
    assert np.isfinite(events["dir_z"]).sum() == 2495
    upgoing = (events["dir_z"] > 0) & (events["lik"] > 50)
    assert upgoing.sum() == 32
    assert np.median(events["lik"][np.isfinite(events["lik"])]) == pytest.approx(95.7, abs=0.05)


def test_root_becomes_hdf5(tmp_path: Path) -> None:
    convert(data(f"{SLICE}.root"), tmp_path / "rates.h5")
    table = read(tmp_path / "rates.h5").tables["summaryslices"]
    assert table["rate"].shape == (103, 31)
    assert str(table["rate"].unit) == "Hz"


@pytest.mark.parametrize("part", [0.0001, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("name", [f"{SLICE}.root", "offline/km3net_offline.root"])
def test_truncated_root_is_refused(tmp_path: Path, name: str, part: float) -> None:
    content = data(name).read_bytes()
    path = tmp_path / "cut.root"
    path.write_bytes(content[: max(int(len(content) * part), 5)])
    with pytest.raises(FormatError, match=r"cut\.root"):
        read(path)
