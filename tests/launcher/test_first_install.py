"""The first start on machines that lack something: network, node, a fitting Python."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from km3up.environments import Installer
from km3up.failure import Failure
from km3up.node import NodePackages
from tests.commands import run

ROOT = Path(__file__).resolve().parents[2]
#: Nothing listens on port 9 (discard), so every fetch fails at once.
NOWHERE = "http://127.0.0.1:9/simple"
OFFLINE = {
    "PIP_INDEX_URL": NOWHERE,
    "PIP_NO_CACHE_DIR": "1",
    "PIP_RETRIES": "0",
    "UV_INDEX_URL": NOWHERE,
    "UV_HTTP_RETRIES": "0",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files that the first start needs, in an empty folder."""
    folder = tmp_path / "checkout"
    (folder / "platform").mkdir(parents=True)
    shutil.copytree(ROOT / "platform" / "locks", folder / "platform" / "locks")
    for name in ("hub", "launcher", "settings", "visitor"):
        shutil.copytree(
            ROOT / "platform" / name,
            folder / "platform" / name,
            ignore=shutil.ignore_patterns("*.pyc"),
        )
    shutil.copytree(
        ROOT / "images" / "proxy",
        folder / "images" / "proxy",
        ignore=shutil.ignore_patterns("node*"),
    )
    return folder


def bootstrap(checkout: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    script = checkout / "platform" / "launcher" / "bootstrap.py"
    base = sys.base_prefix + "/bin/python3"
    environment = {**os.environ, **variables}
    return run(base, script, "hub", status=None, env=environment, timeout=300)


def test_without_network_the_first_start_says_so_and_the_next_one_completes(checkout: Path) -> None:
    result = bootstrap(checkout, **OFFLINE, PIP_FIND_LINKS="", PIP_EXTRA_INDEX_URL="")
    assert result.returncode == 1
    assert "The first start needs the network" in result.stderr
    assert "Traceback" not in result.stderr

    result = bootstrap(checkout)
    assert result.returncode == 0, result.stderr
    answer = run(checkout / ".venv" / "bin" / "km3hub", "--version", status=None)
    assert answer.stdout.startswith("km3hub")


def test_it_installs_and_runs_where_paths_have_letters_that_the_locale_has_not(
    tmp_path: Path, checkout: Path
) -> None:
    """The checkout is in a folder that cron's locale cannot name; another Python calls later."""
    strange = tmp_path / "Größe mit Leerzeichen"
    strange.mkdir()
    moved = checkout.rename(strange / "checkout")
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    result = bootstrap(moved, **ascii_only)
    assert result.returncode == 0, result.stderr
    assert "Installing" in result.stdout
    for program in ("km3hub", "km3up", "uv"):
        run(
            moved / ".venv" / "bin" / program,
            "--version",
            env={**os.environ, **ascii_only},
        )
    before = (moved / ".venv" / "pyvenv.cfg").read_text()
    for python in pythons():
        script = moved / "platform" / "launcher" / "bootstrap.py"
        again = run(python, script, "hub", status=None)
        assert (again.returncode, again.stdout, again.stderr) == (0, "", ""), python
    assert (moved / ".venv" / "pyvenv.cfg").read_text() == before


def pythons() -> list[Path]:
    """Pythons of this machine, of whatever version from 3.8 on, and the tests' own."""
    found = [*Path.home().glob(".pyenv/versions/3.*/bin/python3"), Path("/usr/bin/python3")]
    versions = [int(p.parts[-3].split(".")[1]) if ".pyenv" in str(p) else 11 for p in found]
    usable = [p for p, v in zip(found, versions, strict=True) if v >= 8 and p.exists()]
    return [Path(sys.executable), *usable]


def test_an_environment_that_cannot_be_fetched_is_a_sentence(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in OFFLINE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    installer = Installer(root=checkout, folder=tmp_path / "envs")
    with pytest.raises(Failure, match="first start needs the network"):
        installer.install("lab")
    assert not installer.is_current("lab")


def test_without_node_the_proxy_gets_its_own(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    uv = Path(sys.executable).with_name("uv")
    run(uv, "--quiet", "venv", "--python", sys.executable, python.parents[1])
    (python.parent / "uv").symlink_to(uv)
    empty = tmp_path / "empty"
    empty.mkdir()
    for name in ("sh", "env"):
        (empty / name).symlink_to(shutil.which(name) or "")
    monkeypatch.setenv("PATH", str(empty))

    packages = NodePackages(root=checkout, folder=tmp_path / "proxy", python=python)
    with pytest.raises(Failure, match="run: make up"):
        packages.node()
    assert not packages.is_current()
    packages.install()
    assert packages.is_current()
    assert packages.node() == str(python.with_name("node"))
    script = tmp_path / "proxy/node_modules/configurable-http-proxy/bin/configurable-http-proxy"
    answer = run(packages.node(), script, "--version", status=None)
    assert int(answer.stdout.strip().split(".")[0]) >= 5


def test_a_python_that_is_too_old_is_reported_with_its_remedy(checkout: Path) -> None:
    old = next(
        (p for p in Path.home().glob(".pyenv/versions/3.[89]*/bin/python3")),
        Path("/usr/bin/python3.10"),
    )
    if not old.exists():
        pytest.skip("no Python older than 3.11 here; with pyenv: pyenv install 3.9")
    script = checkout / "platform" / "launcher" / "bootstrap.py"
    result = run(old, script, "hub", status=1)
    assert "make up PYTHON=" in result.stderr
    assert not (checkout / ".venv").exists()
