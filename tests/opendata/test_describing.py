"""What is described of a file: missing values stay missing, numbers stay what they are."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from astropy.table import Column, MaskedColumn, Table
from astropy.time import Time
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from opendata import describing
from opendata.accounts.models import User
from opendata.describing.anew import describe_anew, outdated
from opendata.describing.cells import missing_rows, plain
from opendata.describing.content import _table
from opendata.describing.plots import plots_of_table
from opendata.describing.sky import sky_of
from opendata.portal import plots
from opendata.records.models import Description
from openkm3.formats import DataSet, write
from openkm3.metadata import Annotation

from .records import published

MASK = [False, True, False, True]


def _masked() -> Table:
    return Table(
        {
            "ra": MaskedColumn([10.0, 999, 200.0, 30.0], mask=[False, True, False, False]),
            "dec": MaskedColumn([20.0, 10.0, -70.0, np.nan]),
            "energy": MaskedColumn([5.5, 600.5, 7.5, 800.5], mask=MASK, unit="TeV"),
            "count": MaskedColumn([5, 6, 7, 8], mask=MASK),
            "tag": MaskedColumn(["a", "b", "", "d"], mask=MASK),
            "good": MaskedColumn([True, False, False, True], mask=MASK),
            "big": np.array([2**53 + 1, 2**63 - 1, -(2**63), 7]),
            "when": np.array(["2020-01-01", "NaT", "2021-01-01", "2022-01-01"], "datetime64[s]"),
        }
    )


def test_cells_without_value_are_none_apart_from_empty_text_and_nan() -> None:
    head = _table("t", _masked(), Annotation())["head"]
    frame = _masked().to_pandas()  # pandas says which are missing
    for row in range(4):
        for number, name in enumerate(frame.columns):
            if name != "dec":
                assert (head[row][number] is None) == pd.isna(frame[name][row]), (row, name)
    assert head[2][4] == ""
    assert head[3][1] == "NaN"
    json.dumps(head, allow_nan=False)


def test_columns_say_how_many_of_their_rows_have_no_value() -> None:
    columns = _table("t", _masked(), Annotation())["columns"]
    expected = _masked().to_pandas().isna().sum()
    assert {item["name"]: item["missing"] for item in columns} == expected.to_dict()


@pytest.mark.parametrize(
    ("value", "right"),
    [
        (np.ma.masked, None),
        (None, None),
        (np.datetime64("NaT"), None),
        (np.float32("nan"), "NaN"),
        (float("inf"), "inf"),
        (np.float64("-inf"), "-inf"),
        (np.float32(0.1), 0.1),
        (np.int64(2**53 - 1), 2**53 - 1),
        (np.int64(2**53), "9007199254740992"),
        (np.uint64(2**64 - 1), "18446744073709551615"),
        (b"caf\xc3\xa9", "café"),
        (np.bool_(False), False),
        ("", ""),
        (np.ma.array([1, 2, 3], mask=[False, True, False]), "[1, –, 3]"),  # noqa: RUF001
        (np.ma.array([1, 2], mask=True), "[–, –]"),  # noqa: RUF001
        ("x" * 201, "x" * 199 + "…"),
        (Time("2020-01-01"), "2020-01-01 00:00:00.000"),
    ],
)
def test_a_cell_becomes_json_without_a_change_of_meaning(value: Any, right: Any) -> None:
    assert plain(value) == right
    assert type(plain(value)) is type(right)


@given(st.integers(-(2**63), 2**64 - 1))
def test_javascript_reads_every_whole_number_exactly(number: int) -> None:
    value = json.loads(json.dumps(plain(number)), parse_int=float)  # what JSON.parse does
    assert int(value) == number


def test_a_row_of_an_array_has_no_value_only_if_no_element_has() -> None:
    column = MaskedColumn([[1.0, 2.0], [np.nan, 3.0], [4.0, 5.0]], mask=[[0, 0], [0, 1], [0, 1]])
    assert missing_rows(column).tolist() == [False, True, False]
    assert missing_rows(Time(["2020-01-01", "2021-01-01"])).tolist() == [False, False]


def test_histograms_leave_out_what_has_no_value_and_say_so() -> None:
    table = Table(
        {
            "energy": MaskedColumn(
                [1.0, 2.0, 2.5, 1e20, np.nan, np.inf], mask=[0, 0, 0, 1, 0, 0], unit="TeV"
            )
        }
    )
    info = {"energy": {"columnname": "energy", "name": "Energy", "unit": "GeV"}}
    plot = plots_of_table(table, Annotation.parse({"paraminfo": info}))[0]
    assert sum(plot["y"]) == 3
    assert plot["x"][-1] < 3
    assert plot["note"] == "2 rows without value, 1 row with an infinite value not shown"
    # The data's own unit, not what the metadata say of it.
    assert plot["xlabel"] == "Energy [TeV]"
    assert "2 rows without value" in plots.draw(plot)


def test_only_what_spans_decades_is_drawn_over_its_logarithm() -> None:
    random = np.random.default_rng(1)
    table = Table({"ra": random.uniform(0.01, 360, 500), "energy": 10 ** random.uniform(1, 6, 500)})
    labels = [plot["xlabel"] for plot in plots_of_table(table, Annotation())]
    assert labels == ["ra", "log10(energy)"]


BINS = {
    "paraminfo": {
        "lower_edge": {"columnname": "low", "name": "Energy"},
        "upper_edge": {"columnname": "high"},
        "value": {"columnname": "area", "name": "Area", "unit": "m2"},
    }
}


def _binned(low: list[float], high: list[float], area: Any) -> list[dict[str, Any]]:
    return plots_of_table(Table({"low": low, "high": high, "area": area}), Annotation.parse(BINS))


def test_a_bin_without_value_is_a_gap() -> None:
    plot = _binned([0, 1, 2], [1, 2, 3], MaskedColumn([4.0, 0.0, 5.0], mask=[0, 1, 0]))[0]
    assert plot["y"] == [4.0, None, 5.0]
    assert plot["note"] == "1 bin without value not shown"
    drawn = plots.draw(plot)
    assert drawn.count("M") >= 2
    assert "1 bin without value" in drawn


def test_bins_in_any_order_and_with_gaps_stay_where_they_are() -> None:
    plot = _binned([5, 0], [6, 2], [7.0, 3.0])[0]
    assert (plot["x"], plot["y"]) == ([0.0, 2.0, 5.0, 6.0], [3.0, None, 7.0])


def test_bins_that_overlap_are_not_drawn_as_steps() -> None:
    # Two zenith angles: the same energies twice.
    found = _binned([0, 1, 0, 1], [1, 2, 1, 2], [1.0, 2.0, 3.0, 4.0])
    assert all(plot.get("histogram") for plot in found)


def test_a_sky_map_shows_only_rows_that_have_a_position() -> None:
    found = sky_of(_masked(), Annotation())
    assert found is not None
    assert (found["ra"], found["dec"]) == ([10.0, 200.0], [20.0, -70.0])
    assert (found["rows"], found["missing"]) == (2, 2)
    assert found["info"][0]["values"] == [5.5, 7.5]
    assert "2 more rows without a position" in plots.sky(found)


@pytest.mark.parametrize(
    ("unit", "ra", "right"), [("rad", np.pi, 180.0), ("hourangle", 6.0, 90.0), ("arcmin", 60.0, 1)]
)
def test_a_sky_map_honours_the_unit_of_an_angle(unit: str, ra: float, right: float) -> None:
    table = Table({"ra": Column([ra], unit=unit), "dec": Column([30.0], unit="deg")})
    found = sky_of(table, Annotation())
    assert found is not None
    assert (found["ra"], found["dec"]) == ([pytest.approx(right)], [30.0])
    table["ra"].unit = "m"
    assert sky_of(table, Annotation()) is None


def test_the_error_of_a_coordinate_is_not_taken_for_a_coordinate() -> None:
    table = Table({"ra_err": [1.0], "ra": [120.0], "dec": [5.0]})
    ucd = {"ra_err": {"ucd": "pos.eq.ra;stat.error"}, "ra": {"ucd": "pos.eq.ra"}}
    found = sky_of(table, Annotation.parse({"paraminfo": ucd}))
    assert found is not None
    assert found["ra"] == [120.0]


def test_maps_leave_cells_without_value_empty() -> None:
    plot = {
        "kind": "map",
        "title": "t",
        "x": [0.0, 1.0, 2.0],
        "y": [0.0, 1.0],
        "z": [[1.0, None]],
        "xlabel": "x",
        "ylabel": "y",
        "zlabel": "z",
    }
    full = plot | {"z": [[1.0, 1.0]]}
    assert plots.draw(full).count("<rect") - plots.draw(plot).count("<rect") == 1
    # A scale of ratios has no colour for 0.
    ratios = plot | {"x": [0.0, 1.0, 2.0, 3.0], "z": [[1.0, 1000.0, 0.0]]}
    assert "1 bin of 0 or less left empty" in plots.draw(ratios)
    assert plots.draw(ratios).count("<rect") == plots.draw(full).count("<rect")


@pytest.mark.parametrize("kind", ["map", "steps"])
def test_labels_of_strangers_are_drawn_as_text(kind: str) -> None:
    evil = "</text><script>\x00\x0b&"
    labels = dict.fromkeys(("title", "xlabel", "ylabel", "zlabel", "note"), evil)
    values = {"map": {"y": [0.0, 1.0], "z": [[2.0]]}, "steps": {"y": [2.0]}}[kind]
    drawn = plots.draw({"kind": kind, "x": [0.0, 1.0], **labels, **values})
    assert "<script" not in drawn
    texts = etree.fromstring(drawn).xpath("//text/text()")
    assert "</text><script>&" in texts


def test_the_script_finds_the_axes_of_a_plot_in_its_attributes() -> None:
    labels = dict.fromkeys(("title", "xlabel", "ylabel"), "a")
    drawn = plots.draw({"kind": "steps", "x": [0.5, 1.0, 2.5], "y": [2.0, 3.0], **labels})
    root = etree.fromstring(drawn)
    low, high, start, stop = map(float, root.get("data-x").split())
    line = root.find("path[@class='line']").get("d")
    assert (low, high) == (0.5, 2.5)
    assert line.startswith(f"M{start} ")
    assert line.endswith(f"H{stop}")
    grid = root.xpath("//g[@class='grid']/path/@d")
    _, _, bottom, top = root.get("data-y").split()
    assert grid[0].endswith(f" {top}V{bottom}")


def test_a_function_without_a_range_is_not_drawn_over_an_invented_one(tmp_path: Path) -> None:
    content = {"content": {"functiontype": "polynomial", "coefficients": [1.0, 2.0]}}
    path = tmp_path / "f.json"
    for parameter, number in (({}, 0), ({"range": [2, 4]}, 1)):
        path.write_text(json.dumps(content | {"paraminfo": {"xvalue": parameter}}))
        found = describing.describe(path, "f.json")["plots"]
        assert len(found) == number
    assert (found[0]["x"][0], found[0]["x"][-1]) == (2.0, 4.0)


@pytest.mark.parametrize("suffix", ["ecsv", "vot", "fits", "h5", "parquet"])
def test_masks_of_every_format_are_shown(tmp_path: Path, suffix: str) -> None:
    table = _masked()
    table.remove_column("when")
    path = tmp_path / f"a.{suffix}"
    if suffix == "ecsv":
        table.write(path, format="ascii.ecsv")
    elif suffix == "vot":
        table.write(path, format="votable")
    else:
        options = {"without": ["TIME"]} if suffix == "fits" else {}
        write(DataSet({"t": table}), path, **options)
    found = describing.describe_safely(path, path.name)["tables"]
    shown = next(item for item in found if len(item["columns"]) == len(table.colnames))
    names = [column["name"] for column in shown["columns"]]
    for name in ("count", "good"):
        cells = [row[names.index(name)] for row in shown["head"]]
        assert [cell is None for cell in cells] == MASK, name
    tags = [row[names.index("tag")] for row in shown["head"]]
    # astropy writes a text without value as an empty one, in ECSV and VOTable alike.
    assert tags[0] == "a"
    kept = suffix in ("fits", "h5", "parquet")
    assert tags[1:] in ([[None, "", None]] if kept else [[None] * 3, [""] * 3])
    assert shown["head"][0][names.index("big")] == "9007199254740993"


@pytest.mark.parametrize("name", ["x.root", "x.parquet"])
def test_a_package_that_is_not_installed_makes_no_other_format_root(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # None in sys.modules is what Python itself has for "cannot be imported".
    for module in ("pyarrow", "pyarrow.parquet", "uproot"):
        monkeypatch.setitem(sys.modules, module, None)
    path = tmp_path / name
    path.write_bytes(b"root" + b"\0" * 300 if name == "x.root" else b"PAR1" + b"\0" * 300)
    if name == "x.root":
        assert describing.describe(path, name)["format"] == "root"
        return
    with pytest.raises(describing.Unreadable, match=r"openkm3\[parquet\]"):
        describing.describe(path, name)


def test_nan_in_a_files_own_metadata_is_no_json_number(tmp_path: Path) -> None:
    path = tmp_path / "a.ecsv"
    path.write_text(
        "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: a, datatype: float64}\n"
        "# meta: {header: {name: n, gain: .nan, limit: .inf}}\n# schema: astropy-2.0\na\nnan\n"
    )
    found = describing.describe_safely(path, "a.ecsv")
    json.dumps(found, allow_nan=False)
    assert found["tables"][0]["head"] == [["NaN"]]


def test_descriptions_of_an_earlier_portal_are_renewed(
    web: Client, curator: User, reviewer: User
) -> None:
    version = published(curator, reviewer)
    description = version.files.get().description
    right = description.content
    old = {key: value for key, value in right.items() if key != "scheme"} | {"plots": []}
    old["tables"] = [table | {"rows": 999} for table in right["tables"]]
    Description.objects.filter(pk=description.pk).update(content=old)
    assert "999 rows" in web.get("/records/cnt24_01/").content.decode()
    assert describe_anew() == 1
    assert Description.objects.get(pk=description.pk).content == right
    assert "3 rows" in web.get("/records/cnt24_01/").content.decode()
    assert not outdated().exists()
