"""No module of nugamma imports itself through others, not even inside a function."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import nugamma

ROOT = Path(nugamma.__file__).parent


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree: ast.AST, known: set[str]) -> set[str]:
    """Modules of nugamma that some code imports, except for type checkers."""
    found: set[str] = set()
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("nugamma"):
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in known else str(node.module) for name in inner}
        found |= imported(node, known)
    # Every module imports the package itself, for its version.
    return found - {"nugamma"}


def test_there_is_no_import_circle() -> None:
    paths = {module_of(path): path for path in ROOT.rglob("*.py")}
    graph = {
        name: imported(ast.parse(path.read_text(encoding="utf-8")), set(paths)) - {name}
        for name, path in paths.items()
    }
    assert "nugamma.responses.cta" in graph["nugamma.responses.performance"]
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError, naming the circle
    assert len(order) >= len(paths)
