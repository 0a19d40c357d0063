"""Parquet as pandas and Arrow write it, and what they see in ours."""

from __future__ import annotations

import decimal
from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="needs pyarrow: openkm3[parquet]")
pytest.importorskip("pandas", reason="needs pandas: run it in the science environment")
pytest.importorskip("astropy", reason="needs astropy: run it in the science environment")
pytest.importorskip("h5py", reason="needs h5py: run it in the science environment")

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from astropy import units as u
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time

from openkm3.errors import FormatError
from openkm3.formats import DataSet, detect, missing, read, write
from openkm3.formats.dataset import plain
from openkm3.metadata import Annotation


def test_nulls_of_pandas_are_missing(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "n": pd.array([1, None, 2**63 - 1], dtype="Int64"),
            "u": pd.array([0, None, 255], dtype="UInt8"),
            "flag": pd.array([True, None, False], dtype="boolean"),
            "text": pd.array(["a", None, ""], dtype="string"),
            "x": [1.5, np.nan, 2.5],
            "kind": pd.Categorical(["p", None, "q"]),
            "when": pd.to_datetime(["2020-01-01", None, "2021-01-01"], utc=True),
        },
        index=pd.Index([10, 20, 30]),
    )
    frame.to_parquet(tmp_path / "x.parquet")
    assert detect(tmp_path / "x.parquet") == "parquet"
    table = read(tmp_path / "x.parquet").main_table()[1]
    assert list(table["index"]) == [10, 20, 30]
    for name in frame.columns:
        assert missing(table[name]).tolist() == [False, True, False], name
    assert plain(table)["n"] == [1, None, 2**63 - 1]
    assert plain(table)["text"] == ["a", None, ""]
    assert table["u"].dtype == "u1"
    assert table["when"][2] == np.datetime64("2021-01-01")


def test_types_of_arrow(tmp_path: Path) -> None:
    content = pa.table(
        {
            "list": pa.array([[1, 2], [3]], pa.list_(pa.int32())),
            "vector": pa.array([[1, None], [3, 4]], pa.list_(pa.int8(), 2)),
            "pos": pa.array([{"x": 1.0, "y": 2}, None]),
            "money": pa.array([decimal.Decimal("1.10"), None]),
            "day": pa.array([18262, None], pa.date32()),
            "words": pa.array([["a", None], ["ü", ""]]),
            "nothing": pa.nulls(2),
        }
    )
    pq.write_table(content, tmp_path / "x.parquet")
    lists = plain(read(tmp_path / "x.parquet").main_table()[1])
    assert lists == {
        "list": [[1, 2], [3]],
        "vector": [[1, None], [3, 4]],
        "pos.x": [1.0, pytest.approx(np.nan, nan_ok=True)],
        "pos.y": [2, None],
        "money": ["1.10", None],
        "day": ["2020-01-01T00:00:00", None],
        "words": [["a", None], ["ü", ""]],
        "nothing": [None, None],
    }


def test_pandas_and_arrow_see_ours(tmp_path: Path) -> None:
    table = Table(
        {
            "n": MaskedColumn(np.array([1, 2], "u8"), mask=[False, True], unit="TeV"),
            "text": MaskedColumn(["", "b"], mask=[False, True]),
            "v": np.arange(4.0).reshape(2, 2),
        }
    )
    note = Annotation.parse({"header": {"name": "größe"}})
    write(DataSet({"events": table}, note), tmp_path / "x.parquet")
    content = pq.read_table(tmp_path / "x.parquet")
    assert content.to_pydict() == {"n": [1, None], "text": ["", None], "v": [[0, 1], [2, 3]]}
    assert content.schema.field("n").type == pa.uint64()
    assert content.schema.field("n").metadata[b"unit"] == b"TeV"
    assert pd.isna(pd.read_parquet(tmp_path / "x.parquet")["n"]).tolist() == [False, True]
    assert read(tmp_path / "x.parquet").annotation == note


def test_tables_of_astropy(tmp_path: Path) -> None:
    table = QTable(
        {"n": MaskedColumn([1, 2], mask=[False, True]), "t": Time([6e4, 6e4 + 1], format="mjd")}
    )
    table["n"].unit = "m"
    table.write(tmp_path / "x.parquet")
    ours = read(tmp_path / "x.parquet").main_table()[1]
    assert missing(ours["n"]).tolist() == [False, True]
    assert ours["t"][0] == np.datetime64("2023-02-25")


@pytest.mark.parametrize("part", [0.2, 0.6, 0.99])
def test_a_cut_file_is_refused(tmp_path: Path, part: float) -> None:
    write(DataSet({"events": Table({"x": np.arange(500.0)})}), tmp_path / "x.parquet")
    content = (tmp_path / "x.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(content[: int(len(content) * part)])
    with pytest.raises(FormatError, match="damaged"):
        read(tmp_path / "cut.parquet")


def test_columns_of_one_name_are_all_there(tmp_path: Path) -> None:
    twice = pa.Table.from_arrays([pa.array([1, 2]), pa.array([3, 4])], names=["a", "a"])
    pq.write_table(twice, tmp_path / "x.parquet")
    table = read(tmp_path / "x.parquet").tables["table"]
    assert {name: table[name].tolist() for name in table.colnames} == {"a": [1, 2], "a_2": [3, 4]}
    kind = pa.struct([("b", pa.int8())])
    clash = pa.table({"a.b": [1, 2], "a": pa.array([{"b": 5}, {"b": 6}], kind)})
    pq.write_table(clash, tmp_path / "x.parquet")
    table = read(tmp_path / "x.parquet").tables["table"]
    assert [table[name].tolist() for name in table.colnames] == [[1, 2], [5, 6]]


def test_an_index_of_pandas_that_is_a_range(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pd.DataFrame({"a": [1, 2]}, index=pd.RangeIndex(5, 9, 2, name="run")).to_parquet(path)
    table = read(path).tables["table"]
    assert table["run"].tolist() == pd.read_parquet(path).index.tolist() == [5, 7]
    pd.DataFrame({"a": [1, 2]}).to_parquet(path)
    assert read(path).tables["table"].colnames == ["a"]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_of_day(tmp_path: Path, unit: str) -> None:
    kind = pa.time32(unit) if unit in ("s", "ms") else pa.time64(unit)
    pq.write_table(pa.table({"a": pa.array([1, None], kind)}), tmp_path / "x.parquet")
    column = read(tmp_path / "x.parquet").tables["table"]["a"]
    seconds = (column[0] * column.unit).to_value("s")
    assert column.mask.tolist() == [False, True]
    # Parquet itself knows no seconds.
    assert seconds == pytest.approx(float(u.Unit(unit).to("s")))


def test_maps_and_bytes(tmp_path: Path) -> None:
    maps = pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64()))
    table = pa.table({"m": maps, "b": pa.array(["é".encode(), None])})
    pq.write_table(table, tmp_path / "x.parquet")
    seen = read(tmp_path / "x.parquet").tables["table"]
    assert (seen["m"].tolist(), seen["b"].tolist()) == (['{"k": 1}', None], ["é", None])
    for bad in (b"\xff", b"a\0b"):
        pq.write_table(pa.table({"b": [bad]}), tmp_path / "x.parquet")
        with pytest.raises(FormatError, match=r"'b' .binary.: bytes that are not"):
            read(tmp_path / "x.parquet")
