"""From any format to any other: nothing is lost, changed or invented on the way."""

from __future__ import annotations

import itertools
import warnings
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("h5py", reason="needs h5py: run it in the science environment")
pytest.importorskip("astropy", reason="needs astropy: run it in the science environment")
pytest.importorskip("pyarrow", reason="needs pyarrow: openkm3[parquet]")

import numpy as np
from astropy.table import Table
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from openkm3.formats import ColumnData, DataSet, Meaning, read, write
from openkm3.formats.columns import kept_unit

SUFFIXES = (".h5", ".fits", ".vot", ".ecsv", ".parquet")
INTEGERS = ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")
UNITS = (None, "deg", "GeV", "1 / (GeV s m2)", "photons/pixel²", "µV", "10 cm", "dex(GeV)")
TIMES = st.integers(-(2**62), 2**62).map(lambda n: np.datetime64(n, "ns"))

letters = st.characters(codec="utf-8")
words = st.text(letters, max_size=6)
names = st.text(letters, min_size=1, max_size=8) | st.sampled_from(
    ["a", "A", "größe", " ", "x y", "Log(E1/GeV)", 'q"uote', "it's", "a\nb", "😀", "ω", "1", "NaN",
     "a_missing", "a.mask", "a,b", "#c", "µ²", "TTYPE1", "x" * 100]
)  # fmt: skip


@st.composite
def columns(draw: st.DrawFn, rows: int) -> ColumnData:
    """A column of any type that the model has, with a mask."""
    kind = draw(st.sampled_from(["number", "number", "text", "text", "time"]))
    shape: tuple[int, ...] = (rows,)
    if kind == "number":
        shape += draw(st.sampled_from([(), (), (2,), (2, 3), (1,)]))
        dtype = draw(st.sampled_from([*INTEGERS, "f4", "f8", "?"]))
        values: Any = draw(npst.arrays(dtype, shape))
    elif kind == "text":
        shape += draw(st.sampled_from([(), (), (), (2,)]))
        size = int(np.prod(shape))
        flat = draw(st.lists(words, min_size=size, max_size=size))
        # What numpy's own texts cannot hold is no fault of a format.
        values = np.array([text.rstrip("\0") for text in flat], dtype="U").reshape(shape)
        values = values.astype("U1") if not size else values
    else:
        flat = draw(st.lists(TIMES, min_size=rows, max_size=rows))
        values = np.array(flat, dtype="datetime64[ns]")
    mask = draw(npst.arrays(bool, shape)) if draw(st.booleans()) else None
    unit = kept_unit(draw(st.sampled_from(UNITS))) if values.dtype.kind in "iuf" else None
    meaning = Meaning(
        description=draw(st.sampled_from(["", "what it is", 'é "quoted" <b>'])),
        ucd=draw(st.sampled_from(["", "phys.energy;em.gamma"])),
    )
    return ColumnData.make(values, mask, unit, meaning)


@st.composite
def contents(draw: st.DrawFn) -> dict[str, ColumnData]:
    rows = draw(st.integers(0, 4))
    keys = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    return {key: draw(columns(rows)) for key in keys}


def dataset(content: dict[str, ColumnData]) -> DataSet:
    table = Table({name: each.to_table() for name, each in content.items()}, copy=False)
    return DataSet({"events": table})


def assert_same(result: DataSet, expected: dict[str, ColumnData]) -> None:
    (table,) = result.data_tables.values()
    assert table.colnames == list(expected)
    for name, theirs in expected.items():
        ours = ColumnData.of(table[name])
        assert ours.values.shape == theirs.values.shape, name
        if theirs.kind == "U":
            assert ours.kind == "U"
        else:
            assert ours.values.dtype == theirs.values.dtype, name
        assert str(ours.unit or "") == str(theirs.unit or ""), name
        assert ours.meaning == theirs.meaning, name
        np.testing.assert_array_equal(ours.missing, theirs.missing, err_msg=name)
        there = ~theirs.missing
        np.testing.assert_array_equal(ours.values[there], theirs.values[there], err_msg=name)


EXTREMES = {
    "i8": ColumnData.make(np.array([-(2**63), 2**63 - 1, 0]), [False, False, True]),
    "u8": ColumnData.make(np.array([0, 2**64 - 1, 2**63], "u8"), [False, False, True]),
    "u1": ColumnData.make(np.array([0, 255, 1], "u1"), [False, False, True]),
    "texts": ColumnData.make(np.array(["", " ", "a "]), [False, False, False]),
    "blank": ColumnData.make(np.array(["", "", "x"]), [True, False, False]),
    "lists": ColumnData.make(
        np.array([["a", ""], ["", "é"], ["x", "y"]]), [[0, 1], [0, 0], [1, 1]]
    ),
}
#: All values of a type are there, so that none is left to mean that there is none.
FULL = {"all": ColumnData.make(np.arange(257) % 256, np.arange(257) == 256)}
FULL["all"] = FULL["all"].with_values(FULL["all"].values.astype("u1"), FULL["all"].mask)


@pytest.mark.parametrize(("first", "second"), itertools.product(SUFFIXES, repeat=2))
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=contents())
@example(content=EXTREMES)
@example(content=FULL)
def test_any_table_survives_any_two_formats(
    tmp_path: Path, first: str, second: str, content: dict[str, ColumnData]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        write(dataset(content), tmp_path / f"1{first}")
        once = read(tmp_path / f"1{first}")
        assert_same(once, content)
        write(once, tmp_path / f"2{second}")
        assert_same(read(tmp_path / f"2{second}"), content)
