"""The modules of openkm3 import each other in one direction, also inside functions."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import openkm3
from tests.commands import run

SOURCE = Path(openkm3.__file__).parent


def name_of(file: Path) -> str:
    parts = file.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {name_of(file): file for file in sorted(SOURCE.rglob("*.py"))}


def imported(module: str, file: Path) -> Iterator[str]:
    """Yield the modules of openkm3 that a module imports, wherever the statement is."""
    package = module.split(".") if file.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield inner if inner in FILES else base


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {
        module: {name for name in imported(module, file) if name in FILES and name != module}
        for module, file in FILES.items()
    }
    assert graph["openkm3.alerts.alert"] >= {"openkm3.alerts.model", "openkm3.alerts.documents"}
    # Raises CycleError, which names the modules.
    TopologicalSorter(graph).prepare()


def test_the_models_for_servers_need_no_heavy_package() -> None:
    code = (
        "import sys, openkm3.catalogue, openkm3.metadata;"
        "print(sorted({'astropy', 'h5py', 'pandas', 'httpx', 'lxml'} & sys.modules.keys()))"
    )
    assert run(sys.executable, "-c", code).stdout == "[]\n"
