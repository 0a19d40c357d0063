"""The store of the slides: an index, plain lists, pandas, plots."""

from __future__ import annotations

import pytest

pytest.importorskip("httpx", reason="needs httpx: run it in the science environment")
pytest.importorskip("pandas", reason="needs pandas: run it in the science environment")

import pandas as pd

from openkm3.errors import FormatError, OpenKM3Error
from openkm3.openio import KM3Store
from tests.openkm3.odc import OpenDataCenter
from tests.openkm3.published import ORCA_HEADER

AEFF = [5.153940e-12, 1.614220e-10, 4.891220e-09, 1.245090e-07, 9.157530e-07, 4.372520e-06]


@pytest.fixture
def ks(server: OpenDataCenter) -> KM3Store:
    return KM3Store()


def test_the_index_shows_tables_and_headers(
    ks: KM3Store, server: OpenDataCenter, capsys: pytest.CaptureFixture[str]
) -> None:
    ks.print_index()
    out = capsys.readouterr().out
    header = "".join(f"  {key}: {ORCA_HEADER[key]}\n" for key in ("author", "contact"))
    assert (
        f"one_week_orca\n=====\ntables: ['events', 'group_info', 'header']\nheader:\n{header}"
    ) in out
    assert "url:" not in out
    assert "ana20_01_pub" not in out
    ks.print_index(include_technical=True)
    out = capsys.readouterr().out
    assert f"url: {server.url}/storage/one_week_orca.h5\ntype: application/x-hdf5\nlocal: None" in (
        out
    )
    ks.get("one_week_orca")
    ks.print_index(include_technical=True)
    assert "/one_week_orca.h5\n" in capsys.readouterr().out.split("local: ", 1)[1]


def test_plain_data_are_lists(ks: KM3Store) -> None:
    area = ks.get("annotated_aeff0")
    assert list(area.data) == ["Log(E1/GeV)", "Log(E2/GeV)", "AEFF/m2"]
    assert area.data["AEFF/m2"] == AEFF
    assert area.get_origin()["range"]["zenith"] == {
        "min": 0,
        "max": 0,
        "unit": "deg",
        "ktype": "tbd",
    }
    assert area.get_paraminfo()["value"] == {
        "columnname": "AEFF/m2",
        "name": "Effective area",
        "description": "for an E-2 spectrum",
        "unit": "m2",
    }


def test_tables_become_pandas(ks: KM3Store) -> None:
    events = ks.get("one_week_orca", ["events"], "pandas")
    assert isinstance(events.data, pd.DataFrame)
    assert events.data.energy[0] == 22.017775
    assert isinstance(ks.get("annotated_aeff0", loadoption="pandas").data, pd.DataFrame)
    both = ks.get("one_week_orca", ["events", "group_info"], "pandas").data
    assert {name: len(frame) for name, frame in both.items()} == {"events": 5, "group_info": 5}


def test_tables_that_describe_the_file_are_skipped(ks: KM3Store) -> None:
    assert ks.get("one_week_orca").data["internalID"][-1] == "km3net.44.6151.000005"


def test_a_plot_has_steps_and_labels_of_the_paraminfo(ks: KM3Store) -> None:
    matplotlib = pytest.importorskip("matplotlib", reason="needs matplotlib")
    matplotlib.use("agg")
    area = ks.get("annotated_aeff0", loadoption="plot")
    axes = area.axes
    (steps,) = axes.patches
    assert list(steps.get_data().values) == AEFF
    assert list(steps.get_data().edges) == [1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2]
    assert axes.get_ylabel() == "Effective area [m2]"
    assert axes.get_xlabel() == "Energy"
    assert axes.get_yscale() == "log"
    matplotlib.pyplot.close(axes.figure)


def test_wrong_arguments_are_errors(ks: KM3Store) -> None:
    with pytest.raises(OpenKM3Error, match="'plain', 'pandas' or 'plot'"):
        ks.get("one_week_orca", loadoption="numpy")  # type: ignore[arg-type]
    with pytest.raises(
        FormatError, match="has no table 'hits'; its tables are events, group_info, header"
    ):
        ks.get("one_week_orca", ["hits"])
    with pytest.raises(OpenKM3Error, match="is a collection; get one of its parts: ana20_01_vo"):
        ks.get("ana20_01")
