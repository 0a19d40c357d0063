"""`import openkm3` has everything that users need, and costs nothing until they use it."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from pathlib import Path

import pytest

import openkm3
from tests.commands import run
from tests.openkm3.odc import OpenDataCenter

README = Path(openkm3.__file__).parents[2] / "README.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)


@pytest.mark.parametrize("name", openkm3.__all__)
def test_every_public_name_exists_and_is_documented(name: str) -> None:
    thing = getattr(openkm3, name)
    assert name in dir(openkm3)
    assert thing.__module__.startswith("openkm3.")
    assert len(inspect.getdoc(thing) or "") > 20


def test_static_and_lazy_imports_name_the_same() -> None:
    """Type checkers read the imports under TYPE_CHECKING, Python the table of modules."""
    tree = ast.parse(Path(openkm3.__file__).read_text("utf-8"))
    static = {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
        for alias in node.names
    }
    assert static == openkm3._MODULES
    assert sorted(static) == openkm3.__all__


def test_a_wrong_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'KM3Shop'"):
        _ = openkm3.KM3Shop


def test_the_import_alone_loads_nothing() -> None:
    code = (
        "import sys, openkm3;"
        "print(sorted({name for name in sys.modules if name.startswith('openkm3.')}"
        " | {'numpy', 'astropy', 'pydantic', 'httpx'} & sys.modules.keys()))"
    )
    assert run(sys.executable, "-c", code).stdout == "[]\n"


def test_types_are_installed() -> None:
    assert (Path(openkm3.__file__).parent / "py.typed").is_file()


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_examples_of_the_readme_print_what_it_says(
    number: int,
    server: OpenDataCenter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for line in EXAMPLES[number].splitlines():
        code, _, comment = line.partition("  # ")
        if not code.strip():
            continue
        try:
            statement = compile(code, "README.md", "eval")
        except SyntaxError:
            exec(code, names)  # noqa: S102 - the README's own examples
            continue
        value = eval(statement, names)  # noqa: S307
        if comment.startswith("-> "):
            assert repr(value) == comment.removeprefix("-> ")


def test_the_readme_has_examples_with_values() -> None:
    assert len(EXAMPLES) >= 3
    assert sum(line.count("  # -> ") for example in EXAMPLES for line in example.splitlines()) >= 5
