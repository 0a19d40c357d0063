"""A file of the user's may have any name: nothing starts from it by mistake.

The names are all that Python knows: modules of the standard library, of JupyterLab's environment
and of the science environment, and some that libraries ask for without needing them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.commands import run
from tests.lab.running import ROOT, LabServer, kernels_prefix, lab_python

StartLab = Callable[..., LabServer]

ENDS = "raise SystemExit('a file of the user was imported')\n"
_LIST = """
import json, pkgutil, sys
found = {module.name for module in pkgutil.iter_modules()}
print(json.dumps(sorted(found | set(sys.stdlib_module_names))))
"""
#: Asked for by libraries of both environments, which do without where there is none.
OPTIONAL = frozenset(
    "PyQt5 PyQt6 PySide6 appnope brotli curio debugpy docrepr gi ipyparallel msgpack"  # noqa: SIM905
    " nest_asyncio orjson sage simplejson sitecustomize trio ujson usercustomize uvloop".split()
)


@cache
def names() -> tuple[str, ...]:
    """Every name of a module in either environment."""
    found = set(OPTIONAL)
    for python in (lab_python(), (kernels_prefix() or Path()) / "bin" / "python"):
        listing = run(python, "-I", "-c", _LIST)
        found |= set(json.loads(listing.stdout))
    # A user cannot put a file into the place of what is built in.
    return tuple(sorted(name for name in found if name.isidentifier()))


def plant(home: Path, chosen: tuple[str, ...], kind: str) -> None:
    for name in chosen:
        if kind == "package":
            (home / name).mkdir()
            (home / name / "__init__.py").write_text(ENDS)
        else:
            (home / f"{name}.py").write_text(ENDS)


def works(server: LabServer) -> None:
    """Kernel, terminal and saving."""
    notebook = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    model = {"type": "notebook", "format": "json", "content": notebook}
    server.api("PUT", "/api/contents/work.ipynb", json=model)
    server.api("POST", "/api/contents/work.ipynb/checkpoints")
    session = {"path": "work.ipynb", "type": "notebook", "name": "", "kernel": {"name": "python3"}}
    kernel = server.api("POST", "/api/sessions", json=session)["kernel"]["id"]
    assert server.run(kernel, "print(6 * 7)").strip() == "42"
    # An error and a question about a name need more of IPython than a sum does.
    assert "ZeroDivisionError" in server.run(kernel, "1/0")
    assert server.in_terminal("echo $((6*7))-there", expect="42-there")


@pytest.mark.parametrize("kind", ["file", "package"])
def test_no_name_stops_server_kernel_or_terminal(
    start_lab: StartLab, home: Path, kind: str
) -> None:
    plant(home, names(), kind)
    works(start_lab(home))


def test_a_notebook_still_imports_the_users_own_modules(start_lab: StartLab, home: Path) -> None:
    (home / "analysis").mkdir()
    (home / "analysis" / "mycuts.py").write_text("limit = 42\n")
    # Below a folder of its own, and after the standard library, as IPython has it.
    (home / "analysis" / "random.py").write_text(ENDS)
    server = start_lab(home)
    session = {
        "path": "analysis/fit.ipynb",
        "type": "notebook",
        "name": "",
        "kernel": {"name": "python3"},
    }
    kernel = server.api("POST", "/api/sessions", json=session)["kernel"]["id"]
    code = "import mycuts, random; print(mycuts.limit, random.__file__)"
    answer = server.run(kernel, code)
    assert answer.startswith("42 ")
    assert str(home) not in answer


def test_a_kernel_of_the_users_own_is_shielded_too(start_lab: StartLab, home: Path) -> None:
    folder = home / ".local" / "share" / "jupyter" / "kernels" / "mine"
    folder.mkdir(parents=True)
    python = str((kernels_prefix() or Path()) / "bin" / "python")
    argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "Mine", "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(spec))
    plant(home, names(), "file")
    (home / "mycuts.py").write_text("limit = 42\n")
    server = start_lab(home)
    assert str(home) in server.in_terminal("pwd; echo $((1+1))-end", expect="2-end")
    kernel = server.api("POST", "/api/kernels", json={"name": "mine"})["id"]
    assert server.run(kernel, "import mycuts; print(mycuts.limit)").strip() == "42"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    return lambda: tmp_path_factory.mktemp("named")


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_few_names_leave_a_kernel_alone(
    lab_environment: Path, folders: Callable[[], Path], data: st.DataObject
) -> None:
    folder = folders()
    chosen = data.draw(st.lists(st.sampled_from(names()), min_size=1, max_size=40, unique=True))
    plant(folder, tuple(chosen), data.draw(st.sampled_from(["file", "package"])))
    script = ROOT / "tests" / "lab" / "one_kernel.py"
    done = run(lab_environment, "-I", script, kernels_prefix(), folder, status=None, timeout=240)
    assert done.stdout.strip() == "42", f"{chosen}\n{done.stderr}"
