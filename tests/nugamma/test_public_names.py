"""`import nugamma as ng`: what it offers, how fast it is, and the example of the README."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import nugamma as ng

README = Path(ng.__file__).parents[2] / "README.md"
#: What must not be imported before it is needed: each takes a good part of a second or more.
SLOW = {"astropy", "gammapy", "matplotlib", "naima", "numpy", "scipy"}


def imported_by(statement: str) -> set[str]:
    """Modules that a fresh process has imported after a statement."""
    program = f"{statement}; import sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("name", ng.__all__)
def test_every_public_name_has_a_docstring(name: str) -> None:
    assert getattr(ng, name).__doc__.strip()
    assert name in dir(ng)


def test_there_are_ten_names_and_no_others() -> None:
    assert len(ng.__all__) == 10
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        ng.nothing  # noqa: B018 - the access is what is tested


def test_importing_nugamma_imports_nothing_slow() -> None:
    assert not SLOW & imported_by("import nugamma")


def test_the_command_line_starts_without_gammapy_and_matplotlib() -> None:
    loaded = imported_by("from nugamma.cli import main; main.get_command(None, 'scan')")
    assert not {"gammapy", "matplotlib"} & loaded


@pytest.mark.timeout(1200)
def test_the_example_of_the_readme_gives_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its limits are those of a second implementation of arXiv:2309.03007 to 0.03."""
    monkeypatch.chdir(tmp_path)
    text = README.read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(compile(example, str(README), "exec"), {})  # noqa: S102 - the README of this package
    printed = capsys.readouterr().out
    limits = dict(re.findall(r"(\w+): f < (0\.\d+)", printed))
    for scenario, expected in (("gamma", 0.286), ("neutrino", 0.314), ("combined", 0.206)):
        assert float(limits[scenario]) == pytest.approx(expected, abs=0.03)
        assert f"{scenario}: f < {limits[scenario]}" in text
