"""Events and metadata survive a round trip through every format."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("h5py", reason="needs h5py: run it in the science environment")
pytest.importorskip("astropy", reason="needs astropy: run it in the science environment")

import numpy as np
from astropy.table import Table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openkm3.formats import DataSet, convert, read, write
from openkm3.metadata import Annotation
from tests.openkm3 import published

SUFFIXES = (".h5", ".fits", ".vot", ".ecsv")


@pytest.fixture(scope="module")
def antares() -> DataSet:
    if not published.ANTARES.is_dir():
        pytest.skip(f"needs the public ANTARES data in {published.ANTARES}")
    return published.antares_events()


def assert_equal(result: DataSet, expected: DataSet) -> None:
    assert result.annotation == expected.annotation
    (name, table), (expected_name, other) = result.main_table(), expected.main_table()
    assert name == expected_name
    assert table.colnames == other.colnames
    for key in other.colnames:
        ours, theirs = table[key], other[key]
        assert ours.dtype.kind == theirs.dtype.kind, key
        assert str(ours.unit or "") == str(theirs.unit or ""), key
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs), err_msg=key)


def lacking(suffix: str) -> dict[str, Any]:
    """Return what is to be said of data without energies, of event lists only."""
    return {"without": ["ENERGY"]} if suffix == ".fits" else {}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_real_events_survive(antares: DataSet, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"events{suffix}"
    write(antares, path, **lacking(suffix))
    result = read(path)
    assert_equal(result, antares)
    assert len(result.tables["events"]) == 8754
    assert not list(tmp_path.glob(".*"))


def test_events_survive_a_walk_through_all_formats(antares: DataSet, tmp_path: Path) -> None:
    first = tmp_path / "0.ecsv"
    write(antares, first)
    for number, suffix in enumerate(itertools.chain(SUFFIXES, reversed(SUFFIXES)), start=1):
        convert(first, tmp_path / f"{number}{suffix}", **lacking(suffix))
        first = tmp_path / f"{number}{suffix}"
    assert_equal(read(first), antares)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_names_and_texts_that_formats_dislike_survive(tmp_path: Path, suffix: str) -> None:
    table = Table(
        {
            "Log(E1/GeV)": [1.0, np.nan],
            "a": np.array([1, 2], dtype="i8"),
            "A": [True, False],
            "text": ['μ, "quoted" <tag>', "plain"],
            "vector": np.arange(6.0).reshape(2, 3),
        },
        units={"Log(E1/GeV)": "GeV"},
    )
    note = {"header": {"description": 'ends in a blank \nand has é, " and </INFO>', "odd": "kept"}}
    expected = DataSet({"events": table}, Annotation.parse(note))
    path = tmp_path / f"odd{suffix}"
    write(expected, path)
    assert_equal(read(path), expected)


@pytest.mark.parametrize("suffix", [".h5", ".fits", ".vot"])
def test_several_tables_keep_their_names(tmp_path: Path, suffix: str) -> None:
    tables = {"events": Table({"x": [1.0]}), "reco_tracks": Table({"e": [2.0, 3.0]})}
    write(DataSet(tables), tmp_path / f"two{suffix}")
    result = read(tmp_path / f"two{suffix}")
    assert {name: len(table) for name, table in result.data_tables.items()} == {
        "events": 1,
        "reco_tracks": 2,
    }


def test_pandas_and_pytables_read_our_hdf5(antares: DataSet, tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas", reason="needs pandas: run it in the science environment")
    pytest.importorskip("tables", reason="needs pytables: run it in the science environment")
    write(antares, tmp_path / "events.h5")
    frame = pd.read_hdf(tmp_path / "events.h5", "events")
    assert len(frame) == 8754
    assert frame.nhit.max() == 263
    assert list(frame.id[:1]) in (["ANT0001"], [b"ANT0001"])


def test_large_metadata_do_not_stop_hdf5(tmp_path: Path) -> None:
    # HDF5 keeps no more than 64 kB in an attribute.
    text = "many words " * 20_000
    large = DataSet({"events": Table({"x": [1]})}, Annotation.parse({"conditions": {"a": text}}))
    write(large, tmp_path / "large.h5")
    assert read(tmp_path / "large.h5").annotation == large.annotation


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "events.h5"
    write(DataSet({"events": Table({"x": [1]})}), path)
    before = path.read_bytes()
    broken = DataSet({"events": Table({"x": np.array([object()], dtype=object)})})
    broken.tables["events"]["y"] = np.array([1j])
    broken.tables["a/../b"] = Table({"x": [1]})
    broken.tables["events/below"] = Table({"x": [1]})  # a table cannot be a group as well
    with pytest.raises((ValueError, TypeError, OSError)):
        write(broken, path)
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir() if found.is_file()] == [path.name]


texts = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=20)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    numbers=st.lists(st.floats(width=64), min_size=1, max_size=5),
    words=st.dictionaries(st.sampled_from(["name", "contact", "license", "other"]), texts),
)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_any_numbers_and_header_survive(
    tmp_path_factory: pytest.TempPathFactory,
    suffix: str,
    numbers: list[float],
    words: dict[str, str],
) -> None:
    expected = DataSet({"events": Table({"x": numbers})}, Annotation.parse({"header": words}))
    path = tmp_path_factory.mktemp("any") / f"x{suffix}"
    write(expected, path)
    assert_equal(read(path), expected)
