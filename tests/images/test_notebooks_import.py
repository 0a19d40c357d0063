"""Everything that a tutorial imports can be imported in the image that people run it in."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from tests.images.container import ROOT, Container

pytestmark = pytest.mark.docker

Idle = Callable[[str], Container]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

#: What the stack is for, submodules too: a package can be imported whose submodules cannot.
STACK = """
import astropy.coordinates, astropy.io.fits, astropy.table, astropy.time, astropy.wcs
import awkward, h5py, healpy, ipympl, ipywidgets, km3db, km3net_testdata, matplotlib.pyplot
import km3io.definitions, km3io.tools, km3irf, km3pipe.hardware, km3pipe.math
import numba, numpy, pandas, pyvo.dal, pyvo.registry, scipy.stats, tables, thepipe, uproot
import hdf5plugin, nbconvert, pyarrow.dataset, pyarrow.parquet, seaborn
"""
JOINT = """
import gammapy.analysis, gammapy.catalog, gammapy.data, gammapy.datasets, gammapy.estimators
import gammapy.irf, gammapy.makers, gammapy.maps, gammapy.modeling.models, gammapy.stats
import iminuit, naima.models, regions
"""


def imports(notebook: Path) -> list[str]:
    """The import statements of a notebook, each as a line of its own."""
    cells = [cell.source for cell in nbformat.read(notebook, 4).cells if cell.cell_type == "code"]
    # Lines for IPython and not for Python import nothing.
    plain = [re.sub(r"^(\s*)[%!].*$", r"\1pass", cell, flags=re.MULTILINE) for cell in cells]
    nodes = [node for cell in plain for node in ast.walk(ast.parse(cell))]
    return [ast.unparse(node) for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]


def test_the_stack_can_be_imported(lab: str, idle: Idle) -> None:
    idle(lab).python("/opt/km3net", STACK)


def test_slimmed_packages_still_work(lab: str, idle: Idle) -> None:
    code = """
import os, tempfile
import h5py, hdf5plugin, numpy, pandas, seaborn
folder = tempfile.mkdtemp()
numbers = numpy.arange(1000)
filters = [hdf5plugin.Blosc(), hdf5plugin.Blosc2(), hdf5plugin.Zstd(), hdf5plugin.LZ4(),
           hdf5plugin.Bitshuffle(), hdf5plugin.BZip2(), hdf5plugin.SZ3(absolute=1e-3)]
for number, filter in enumerate(filters):
    values = numbers.astype(float)
    with h5py.File(f"{folder}/{number}.h5", "w") as file:
        file.create_dataset("x", data=values, **filter)
    with h5py.File(f"{folder}/{number}.h5") as file:
        assert numpy.allclose(file["x"][:], values, atol=1e-2), filter
table = pandas.DataFrame({"a": numbers, "b": [None, *numbers[1:]]})
table.to_parquet(f"{folder}/t.parquet")
pandas.testing.assert_frame_equal(pandas.read_parquet(f"{folder}/t.parquet"), table)
seaborn.histplot(table["a"]).figure.savefig(f"{folder}/f.png")
print(os.path.getsize(f"{folder}/f.png") > 1000)
"""
    assert idle(lab).python("/opt/km3net", code).strip() == "True"


def test_gammapy_with_its_submodules_can_be_imported(idle: Idle) -> None:
    idle("joint").python("/opt/km3net", JOINT)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_import_of_a_tutorial_works(notebook: Path, idle: Idle) -> None:
    found = imports(notebook)
    assert found
    idle("joint").python("/opt/km3net", "\n".join(found))


def test_the_tutorials_are_those_of_this_checkout(lab: str, idle: Idle) -> None:
    assert NOTEBOOKS
    for notebook in NOTEBOOKS:
        inside = idle(lab).run("cat", f"/opt/tutorials/{notebook.name}").stdout
        assert inside == notebook.read_text(), f"{notebook.name} changed since: make images"


def test_earth_rotation_tables_are_never_downloaded(lab: str, idle: Idle) -> None:
    said = idle(lab).python(
        "/opt/km3net",
        "from astropy.utils.iers import conf; print(conf.auto_download, conf.auto_max_age)",
    )
    assert said.split() == ["False", "inf"]
