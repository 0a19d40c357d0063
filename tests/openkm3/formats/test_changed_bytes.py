"""Files with any bytes changed give data or one clear error, whatever their format."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("h5py", reason="needs h5py: run it in the science environment")
pytest.importorskip("astropy", reason="needs astropy: run it in the science environment")

import numpy as np
from astropy import units
from astropy.table import Table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openkm3 import annotated
from openkm3.errors import FormatError, MetadataError
from openkm3.formats import DataSet, read, write
from openkm3.metadata import Annotation
from tests.commands import run

#: Small ROOT files: online summary slices and offline events.
ROOT_FILES = (
    "online/KM3NeT_00000049_00008456.summaryslice-167941.root",
    "offline/km3net_offline.root",
)
everything = settings(deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def small() -> DataSet:
    table = Table({"ra": np.linspace(0, 350, 40), "dec": np.zeros(40), "id": ["x"] * 40})
    table["mjd"], table["e"] = np.full(40, 60000.0), np.full(40, 1.0) * units.TeV
    return DataSet({"events": table}, Annotation.parse({"header": {"name": "small"}}))


def changed(content: bytes, data: st.DataObject) -> bytes:
    result = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        where = data.draw(st.integers(0, len(result) - 1))
        result[where] = data.draw(st.integers(0, 255))
    return bytes(result)


def gives_data_or_a_clear_error(path: Path) -> None:
    try:
        result = read(path)
    except (FormatError, MetadataError):
        return
    assert all(len(table) < 10**6 for table in result.tables.values())


@settings(everything, max_examples=60)
@given(data=st.data())
@pytest.mark.parametrize("suffix", [".fits", ".vot", ".ecsv"])
def test_event_lists(small: DataSet, tmp_path: Path, suffix: str, data: st.DataObject) -> None:
    whole = tmp_path / f"whole{suffix}"
    if not whole.exists():
        write(small, whole)
    path = tmp_path / f"changed{suffix}"
    path.write_bytes(changed(whole.read_bytes(), data))
    gives_data_or_a_clear_error(path)


@settings(everything, max_examples=4)
@given(data=st.data())
def test_hdf5(small: DataSet, tmp_path: Path, data: st.DataObject) -> None:
    # In a process of its own: on some damaged files the HDF5 library corrupts its memory.
    whole = tmp_path / "whole.h5"
    if not whole.exists():
        write(small, whole)
    path = tmp_path / "changed.h5"
    path.write_bytes(changed(whole.read_bytes(), data))
    done = run(sys.executable, "-m", "openkm3", "info", "--json", path, status=None)
    crashed = done.returncode < 0
    assert crashed or done.returncode in (0, 2), done.stderr
    assert "unexpected" not in done.stderr
    if done.returncode == 0:
        assert json.loads(done.stdout)["format"].startswith("HDF5")
    elif not crashed:
        assert str(path) in done.stderr


@settings(everything, max_examples=30)
@given(data=st.data())
@pytest.mark.parametrize("name", ROOT_FILES)
def test_root(tmp_path: Path, name: str, data: st.DataObject) -> None:
    pytest.importorskip("km3io", reason="needs km3io: run it in the science environment")
    testdata = pytest.importorskip(
        "km3net_testdata", reason="needs it: run it in the science environment"
    )
    path = tmp_path / "changed.root"
    path.write_bytes(changed(Path(testdata.data_path(name)).read_bytes(), data))
    gives_data_or_a_clear_error(path)


LOOKUP = {
    "xaxis": {"transform": "sin_deg", "edges": [-1, 0, 1]},
    "yaxis": {"transform": "log10", "points": [2, 3, 4]},
    "values": [[1, 2], [3, 4], [5, 6]],
}


@settings(everything, max_examples=100)
@given(data=st.data())
def test_lookup_tables(tmp_path: Path, data: st.DataObject) -> None:
    whole = tmp_path / "whole.json"
    if not whole.exists():
        annotation = Annotation.parse({"header": {"name": "small"}})
        annotated.write(annotation, annotated.LookupContent.model_validate(LOOKUP), whole)
    path = tmp_path / "changed.json"
    path.write_bytes(changed(whole.read_bytes(), data))
    gives_data_or_a_clear_error(path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@settings(everything, max_examples=100)
@given(
    content=json_values
    | st.fixed_dictionaries(
        {"functiontype": st.just("polynomial") | json_values, "coefficients": json_values}
    )
    | st.fixed_dictionaries({"xaxis": json_values, "yaxis": json_values, "values": json_values}),
    header=json_values,
)
def test_any_json(tmp_path: Path, content: object, header: object) -> None:
    path = tmp_path / "any.json"
    path.write_text(json.dumps({"header": header, "content": content}))
    gives_data_or_a_clear_error(path)
