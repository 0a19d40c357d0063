"""Every file of km3net-testdata: the rows that another reader counts, or the reason why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("astropy", reason="needs astropy: run it in the science environment")
pytest.importorskip("h5py", reason="needs h5py: run it in the science environment")
pytest.importorskip("km3io", reason="needs km3io: run it in the science environment")
pytest.importorskip("km3net_testdata", reason="needs it: run it in the science environment")

import h5py
import km3net_testdata as testdata
import numpy as np
import uproot

from openkm3.errors import FormatError
from openkm3.formats import detect, read

DATA = Path(testdata.__file__).parent / "data"
FILES = sorted(
    str(path.relative_to(DATA))
    for path in DATA.rglob("*")
    if path.is_file() and path.suffix != ".pyc" and path.name != "__init__.py"
)
HDF5 = [name for name in FILES if name.endswith((".h5", ".hdf5"))]
ROOT = [name for name in FILES if name.endswith(".root")]
TIME_SLICES = [name for name in ROOT if name.endswith(("_L1.root", "_SN.root"))]
OTHERS = [name for name in FILES if name not in HDF5 + ROOT]


def rows_by_h5py(path: Path) -> dict[str, int]:
    found: dict[str, int] = {}

    def visit(name: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset) and node.dtype.names and "/_i_" not in f"/{name}":
            found[name] = node.shape[0]

    with h5py.File(path) as file:
        file.visititems(visit)
    return found


@pytest.mark.parametrize("name", HDF5)
def test_hdf5(name: str) -> None:
    found = {key: len(table) for key, table in read(DATA / name).tables.items()}
    expected = rows_by_h5py(DATA / name)
    assert expected
    assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize("name", sorted(set(ROOT) - set(TIME_SLICES)))
def test_root(name: str) -> None:
    path = DATA / name
    tables = read(path).tables
    with uproot.open(path) as file:
        kind = detect(path)
        if kind == "offline":
            assert len(tables["events"]) == file["E"].num_entries > 0
        elif kind == "daq":
            slices, events = (
                file[key].num_entries if key in file else 0
                for key in ("KM3NET_SUMMARYSLICE", "KM3NET_EVENT")
            )
            assert slices + events > 0
            if slices:
                assert len(np.unique(tables["summaryslices"]["slice"])) == slices
            if events:
                assert len(np.unique(tables["snapshot_hits"]["event"])) == events
        else:
            trees = file.keys(cycle=False, filter_classname="TTree")
            assert {key: len(table) for key, table in tables.items()} == {
                key: file[key].num_entries for key in trees
            }


@pytest.mark.parametrize("name", [*OTHERS, *TIME_SLICES])
def test_others_are_refused_with_a_reason(name: str) -> None:
    with pytest.raises(FormatError) as caught:
        read(DATA / name)
    message = caught.value.problem
    assert "damaged" not in message
    assert any(
        word in message
        for word in ("read", "decompress", "open", "neither a lookup table", "does not contain")
    )


def test_the_oscillation_release_has_the_numbers_that_uproot_gives() -> None:
    path = DATA / "oscillations/ORCA6_433kt-y_opendata_v0.5_testdata.root"
    table = read(path).tables["binned_nu_response"]
    assert len(table) == 59360
    with uproot.open(path) as file:
        expected = file["binned_nu_response"].arrays(library="np")
    assert set(table.colnames) == set(expected)
    for key, values in expected.items():
        np.testing.assert_array_equal(table[key], values)
    assert table["IsCC"].dtype == bool
