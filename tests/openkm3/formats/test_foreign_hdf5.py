"""HDF5 that pandas, PyTables, astropy and h5py write is read as they read it themselves."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("h5py", reason="needs h5py: run it in the science environment")
pytest.importorskip("astropy", reason="needs astropy: run it in the science environment")
pytest.importorskip("pandas", reason="needs pandas: run it in the science environment")
pytest.importorskip("tables", reason="needs pytables: run it in the science environment")

import h5py
import hdf5plugin
import numpy as np
import pandas as pd
import tables
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time

from openkm3.errors import FormatError
from openkm3.formats import ColumnData, missing, read
from openkm3.formats.dataset import frame

FRAME = pd.DataFrame(
    {
        "ra": [1.0, np.nan, 3],
        "n": [5, 6, 7],
        "flag": [True, False, True],
        "text": ["a", None, ""],
        "größe": [1.0, 2, 3],
        "when": pd.to_datetime(["2020-01-01", "2021-01-01", None]).astype("datetime64[ns]"),
        "u": np.array([1, 2, 255], "u1"),
        "f": np.array([1, 2, 3], "f4"),
    }
)


def same(ours: Any, theirs: Any) -> None:
    assert list(ours.columns) == [str(name) for name in theirs.columns]
    for name in theirs.columns:
        left, right = ours[name], theirs[name]
        assert pd.isna(left).tolist() == pd.isna(right).tolist(), name
        there = ~pd.isna(right)
        assert left[there].tolist() == right[there].tolist(), name


@pytest.mark.parametrize("columns", [None, True, ["n", "text"]])
def test_pandas_table_format(tmp_path: Path, columns: Any) -> None:
    path = tmp_path / "x.h5"
    table = FRAME.assign(kind=pd.Categorical(["x", "y", None]))
    table.to_hdf(path, key="events", format="table", data_columns=columns)
    same(frame(read(path).tables["events"]), pd.read_hdf(path, "events"))


def test_pandas_fixed_format(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    FRAME.to_hdf(path, key="a/b", format="fixed")
    FRAME["text"].to_hdf(path, key="series", format="fixed")
    found = read(path).tables
    same(frame(found["a/b"]), pd.read_hdf(path, "a/b"))
    assert pd.isna(frame(found["series"])["text"]).tolist() == [False, True, False]


@pytest.mark.parametrize("form", ["fixed", "table"])
def test_pandas_index_that_means_something_is_a_column(tmp_path: Path, form: Any) -> None:
    FRAME.set_index(pd.Index([10, 20, 30])).to_hdf(tmp_path / "x.h5", key="e", format=form)
    assert frame(read(tmp_path / "x.h5").tables["e"])["index"].tolist() == [10, 20, 30]


@pytest.mark.parametrize("data_columns", [None, True])
@pytest.mark.parametrize("nan_rep", [None, "_none_"])
def test_text_that_is_missing_is_what_pandas_says(
    tmp_path: Path, nan_rep: str | None, data_columns: Any
) -> None:
    path = tmp_path / "x.h5"
    frame = pd.DataFrame({"a": ["x", np.nan, "nan", "_none_"]})
    frame.to_hdf(path, key="k", format="table", nan_rep=nan_rep, data_columns=data_columns)
    right = pd.read_hdf(path, "k")["a"]
    data = ColumnData.of(read(path).tables["k"]["a"])
    assert data.missing.tolist() == right.isna().tolist()
    assert data.values[~data.missing].tolist() == right.dropna().tolist()


@pytest.mark.parametrize("form", ["fixed", "table"])
@pytest.mark.parametrize("labels", [["u", "nan"], ["u", None], ["", "v"], ["nan", None]])
def test_labels_that_are_missing_are_what_pandas_says(
    tmp_path: Path, form: Any, labels: list[Any]
) -> None:
    path = tmp_path / "x.h5"
    pd.DataFrame({"a": [1, 2]}, index=pd.Index(labels)).to_hdf(path, key="k", format=form)
    right = pd.read_hdf(path, "k").index
    data = ColumnData.of(read(path).tables["k"]["index"])
    assert data.missing.tolist() == right.isna().tolist()
    assert data.values[~data.missing].tolist() == right.dropna().tolist()


def test_columns_and_indices_of_one_name_are_all_there(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    pd.DataFrame([[1, 2.5], [3, 4.5]], columns=["a", "a"]).to_hdf(path, key="k", format="table")
    table = read(path).tables["k"]
    assert [table[name].tolist() for name in table.colnames] == [[1, 3], [2.5, 4.5]]
    for form in ("fixed", "table"):
        frame = pd.DataFrame({"index": [1, 2], "b": [3, 4]}, index=[5, 6])
        frame.to_hdf(path, key="k", format=form, mode="w")
        table = read(path).tables["k"]
        assert {name: table[name].tolist() for name in table.colnames} == {
            "index_2": [5, 6],
            "index": [1, 2],
            "b": [3, 4],
        }
    frame = pd.DataFrame({"b": [3, 4]}, index=pd.CategoricalIndex(["u", "v"], name="kind"))
    frame.to_hdf(path, key="k", format="table", mode="w")
    assert read(path).tables["k"]["kind"].tolist() == ["u", "v"]


def test_objects_of_pandas_that_mean_no_value_are_missing(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    frame = pd.DataFrame({"a": pd.array(["x", None, ""], dtype="string")})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas pickles it
        frame.to_hdf(path, key="k", format="fixed")
    data = ColumnData.of(read(path).tables["k"]["a"])
    assert data.missing.tolist() == [False, True, False]
    assert data.filled("-").tolist() == ["x", "-", ""]


def test_empty_frames(tmp_path: Path) -> None:
    FRAME.drop(columns="text")[:0].to_hdf(tmp_path / "x.h5", key="e", format="fixed")
    table = read(tmp_path / "x.h5").tables["e"]
    assert len(table) == 0
    assert "ra" in table.colnames


def test_pandas_labels_of_several_levels(tmp_path: Path) -> None:
    levels = FRAME.set_index(["n", "u"])
    levels.to_hdf(tmp_path / "table.h5", key="e", format="table")
    assert frame(read(tmp_path / "table.h5").tables["e"])["n"].tolist() == [5, 6, 7]
    levels.to_hdf(tmp_path / "fixed.h5", key="e", format="fixed")
    with pytest.raises(FormatError, match=r"MultiIndex.*reset_index"):
        read(tmp_path / "fixed.h5")
    wide = pd.DataFrame([[1.0, 2]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")]))
    wide.to_hdf(tmp_path / "wide.h5", key="e", format="fixed")
    with pytest.raises(FormatError, match="MultiIndex"):
        read(tmp_path / "wide.h5")


def test_pickled_objects_are_never_made(tmp_path: Path) -> None:
    FRAME.to_hdf(tmp_path / "x.h5", key="e", format="table")
    with h5py.File(tmp_path / "x.h5", "r+") as file:
        file["e"].attrs["non_index_axes"] = np.bytes_(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(FormatError, match=r"an object of type os\.system"):
        read(tmp_path / "x.h5")


EVENTS = np.array(
    [(1.0, True, b"a", [1, 2]), (2.0, False, b"\xc3\xa9", [3, 4])],
    dtype=[("x", "<f8"), ("flag", "?"), ("name", "S2"), ("vector", "u2", (2,))],
)


@pytest.mark.parametrize("library", ["zlib", "bzip2", "blosc", "blosc2", "blosc:zstd"])
def test_pytables_tables_of_any_compression(tmp_path: Path, library: str) -> None:
    if tables.which_lib_version(library.split(":", maxsplit=1)[0]) is None:
        pytest.skip(f"this PyTables has no {library}")
    filters = tables.Filters(complevel=5, complib=library)
    many = np.tile(EVENTS, 1000)
    with tables.open_file(str(tmp_path / "x.h5"), "w") as file:
        file.create_table("/", "events", obj=many, filters=filters)
    table = read(tmp_path / "x.h5").tables["events"]
    with tables.open_file(str(tmp_path / "x.h5")) as file:
        theirs = file.root.events.read()
    assert table["flag"].dtype == bool
    assert set(table["name"]) == {"a", "é"}
    for key in ("x", "flag", "vector"):
        np.testing.assert_array_equal(table[key], theirs[key])


def test_a_compression_that_no_library_has_is_named(tmp_path: Path) -> None:
    # LZO's filter is GPL and in no wheel: one that may be left out stands for it.
    options = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    options.set_chunk((2,))
    options.set_filter(305, h5py.h5z.FLAG_OPTIONAL)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        space, kind = h5py.h5s.create_simple((2,)), h5py.h5t.py_create(EVENTS.dtype)
        h5py.h5d.create(file.id, b"events", kind, space, options)
    with pytest.raises(FormatError, match=r"compressed with LZO.*ptrepack"):
        read(tmp_path / "x.h5")


def test_soft_links_of_pytables_are_not_followed(tmp_path: Path) -> None:
    with tables.open_file(tmp_path / "x.h5", "w") as file:
        file.create_table("/", "hits", obj=np.array([(1,)], dtype=[("n", "i4")]))
        file.create_soft_link("/", "latest", "/hits")
    assert {
        name: table["n"].tolist() for name, table in read(tmp_path / "x.h5").tables.items()
    } == {"hits": [1]}


def test_pytables_arrays(tmp_path: Path) -> None:
    with tables.open_file(str(tmp_path / "x.h5"), "w") as file:
        file.create_array("/", "array", np.arange(6.0).reshape(3, 2))
        file.create_carray("/g", "carray", obj=np.arange(4), createparents=True)
        earray = file.create_earray("/h", "earray", tables.Float32Atom(), (0,), createparents=True)
        earray.append(np.arange(5.0))
        rows = file.create_vlarray("/v", "rows", tables.Int32Atom(), createparents=True)
        rows.append([1, 2, 3])
        rows.append([])
        words = file.create_vlarray("/w", "words", tables.VLUnicodeAtom(), createparents=True)
        words.append("größe")
        words.append("")
        file.create_table(
            "/",
            "nested",
            np.dtype([("id", "i8"), ("pos", [("x", "f8"), ("y", "f8")])]),
        )
    found = read(tmp_path / "x.h5").tables
    assert {name: len(table) for name, table in found.items()} == {
        "array": 3,
        "g/carray": 4,
        "h/earray": 5,
        "v/rows": 2,
        "w/words": 2,
        "nested": 0,
    }
    assert found["v/rows"]["rows"][0].tolist() == [1, 2, 3]
    assert list(found["w/words"]["words"]) == ["größe", ""]
    assert found["nested"].colnames == ["id", "pos/x", "pos/y"]


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "lzf"},
        {"compression": "gzip", "shuffle": True, "fletcher32": True},
        hdf5plugin.Blosc(),
        hdf5plugin.Blosc2(),
        hdf5plugin.Zstd(),
        hdf5plugin.LZ4(),
        hdf5plugin.BZip2(),
        hdf5plugin.Bitshuffle(),
    ],
    ids=str,
)
def test_h5py_arrays_of_one_length_are_one_table(tmp_path: Path, options: Any) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("sky/ra", data=np.arange(1000.0), **options)
        file.create_dataset("sky/dec", data=np.arange(1000.0), **options)
        file["sky/ra"].attrs["units"] = "deg"
        file.attrs["title"] = h5py.Empty("S1")
    (table,) = read(tmp_path / "x.h5").tables.values()
    assert table.colnames == ["dec", "ra"]
    assert len(table) == 1000
    assert str(table["ra"].unit) == "deg"


def test_astropy_tables_with_their_description(tmp_path: Path) -> None:
    table = QTable(
        {
            "n": MaskedColumn([1, 2, 3], mask=[False, True, False]),
            "t": Time([60000.0, 60001, 60002], format="mjd", scale="tt"),
        }
    )
    table.write(tmp_path / "x.h5", path="events", serialize_meta=True)
    ours = read(tmp_path / "x.h5").tables["events"]
    assert missing(ours["n"]).tolist() == [False, True, False]
    assert ours["t"].meta["timescale"] == "tt"
    assert ours["t"][0] == np.datetime64("2023-02-25")


def test_pytables_and_pandas_read_our_missing_values(tmp_path: Path) -> None:
    from openkm3.formats import DataSet, write

    mask = [False, True, False]
    table = Table(
        {"n": MaskedColumn([5, 6, 7], mask=mask), "x": MaskedColumn([1.0, 2, 3], mask=mask)}
    )
    write(DataSet({"events": table}), tmp_path / "x.h5")
    theirs = pd.read_hdf(tmp_path / "x.h5", "events")
    assert theirs["n_missing"].astype(bool).tolist() == mask
    assert theirs["n"][1] not in (0, 6)
    assert pd.isna(theirs["x"]).tolist() == mask


def test_other_faults_are_not_called_damage(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        kind = np.dtype([("link", h5py.ref_dtype)])
        file.create_dataset("events", shape=(2,), dtype=kind)
    with pytest.raises(FormatError) as caught:
        read(tmp_path / "x.h5")
    assert "damaged" not in str(caught.value)
