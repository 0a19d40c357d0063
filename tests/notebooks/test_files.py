"""What every tutorial must have, seen without running it."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import nbformat
import pytest

from .conftest import NOTEBOOKS, ROOT
from .index import Entry

FILES = sorted(NOTEBOOKS.glob("*.ipynb"))

#: Names to import that differ from the names of their distributions.
DISTRIBUTIONS = {"IPython": "ipython", "km3net_testdata": "km3net-testdata"}

#: The platform's own packages, which the science environments have and no lock pins.
OWN = {"nugamma", "openkm3"}


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def file(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture
def notebook(file: Path) -> nbformat.NotebookNode:
    content = nbformat.read(file, as_version=4)
    nbformat.validate(content)
    return content


def code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def headings(notebook: nbformat.NotebookNode) -> list[str]:
    return [
        line
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if line.startswith("#")
    ]


def test_there_are_tutorials() -> None:
    assert len(FILES) >= 5


def test_index_lists_every_tutorial(index: dict[str, Entry]) -> None:
    assert [entry.file for entry in index.values()] == [file.name for file in FILES]


def test_index_and_tutorial_agree(
    file: Path, notebook: nbformat.NotebookNode, index: dict[str, Entry]
) -> None:
    entry = index[file.name[:2]]
    assert headings(notebook)[0] == f"# {int(entry.number)}. {entry.title}"
    assert f"**Time** {entry.minutes} minutes" in notebook.cells[0].source


def test_has_no_outputs(notebook: nbformat.NotebookNode) -> None:
    assert [cell.outputs for cell in code(notebook)] == [[]] * len(code(notebook))
    assert {cell.execution_count for cell in code(notebook)} == {None}


def test_uses_the_standard_kernel(notebook: nbformat.NotebookNode) -> None:
    assert notebook.metadata.kernelspec == {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }


def test_starts_with_a_learning_goal(notebook: nbformat.NotebookNode) -> None:
    assert "**Learning goal.**" in notebook.cells[0].source


def test_has_two_or_three_exercises_with_hints(notebook: nbformat.NotebookNode) -> None:
    (cell,) = [cell for cell in notebook.cells if cell.source.startswith("## Exercises")]
    exercises = re.findall(r"^\d\. \*\*", cell.source, flags=re.MULTILINE)
    assert len(exercises) in (2, 3)
    assert cell.source.count("*Hint:*") == len(exercises)


def test_ends_with_the_numbers_cell(notebook: nbformat.NotebookNode) -> None:
    tagged = [cell for cell in notebook.cells if "numbers" in cell.metadata.get("tags", [])]
    assert tagged == [notebook.cells[-1]]
    tree = ast.parse(tagged[0].source)
    assert any(isinstance(node, ast.Assert) for node in ast.walk(tree))


def test_imports_only_what_its_environment_pins(
    file: Path, notebook: nbformat.NotebookNode, index: dict[str, Entry]
) -> None:
    lock = ROOT / "platform/locks" / f"{index[file.name[:2]].environment}.txt"
    pinned = set(re.findall(r"^([a-z0-9._-]+)==", lock.read_text(), flags=re.MULTILINE))
    imported = set()
    for cell in code(notebook):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Import):
                imported |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(str(node.module).split(".")[0])
    packages = {DISTRIBUTIONS.get(name, name) for name in imported - sys.stdlib_module_names}
    assert packages - OWN <= pinned
    # Its code needs packages that other tutorials do not; only its data files are used.
    assert "km3irf" not in packages


def test_says_which_server_it_needs(file: Path, notebook: nbformat.NotebookNode) -> None:
    start = " ".join(notebook.cells[0].source.split())
    needed = "An Open Data Center must be reachable." in start
    assert needed != ("No network is needed." in start)
    assert needed == any("openkm3.store" in cell.source for cell in code(notebook))


def test_figures_distinguish_real_from_simulated_data() -> None:
    source = (NOTEBOOKS / "01-reading-km3net-events.ipynb").read_text(encoding="utf-8")
    assert "REAL event" in source
    assert "SIMULATED muon neutrino" in source
