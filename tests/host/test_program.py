"""The program file for machines needs nothing but Python, and is built reproducibly."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.commands import run
from tests.deploy.sources import ROOT, module
from tests.host.test_verify import USUAL

program = module("program.py")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("program") / "km3host.pyz"
    try:
        program.build(file)
    except program.BuildError as error:
        pytest.skip(f"needs the packages of platform/locks/host.txt: {error}")
    return file


def test_same_sources_give_the_same_bytes(built: Path, tmp_path: Path) -> None:
    again = tmp_path / "km3host.pyz"
    program.build(again)
    assert again.read_bytes() == built.read_bytes()


def test_program_has_every_module_and_no_bytecode(built: Path) -> None:
    names = set(zipfile.ZipFile(built).namelist())
    source = ROOT / "platform" / "host" / "src"
    assert {str(p.relative_to(source)) for p in source.rglob("*.py")} <= names
    assert not [name for name in names if name.endswith((".pyc", ".so"))]


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_program_runs_with_the_python_of_a_machine(
    built: Path, tmp_path: Path, version: str
) -> None:
    python = shutil.which(f"python{version}")
    usable = python and subprocess.run([python, "--version"], capture_output=True)
    if not python or not usable or usable.returncode:
        pytest.skip(f"there is no Python {version} on this machine")
    file = tmp_path / "verify.json"
    file.write_text(json.dumps(USUAL | {"folder": str(tmp_path), "disk_percent": 0}))
    command = [python, "-I", str(built), "verify", "--configuration", str(file)]
    done = run(
        *command,
        "--only",
        "images",
        status=1,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
    )
    assert done.stdout.startswith("FAILED  images: the check failed")
    assert done.stderr == ""


def test_visit_reports_a_hub_that_does_not_answer(built: Path) -> None:
    plan = {
        "address": "http://127.0.0.1:9",
        "name": "check",
        "environments": ["stack"],
        "site_proxy": False,
        "password": "of the tests",
    }
    done = run(sys.executable, built, "visit", status=1, input=json.dumps(plan))
    assert done.stderr.startswith("km3host: the hub cannot be reached")
    assert "of the tests" not in done.stdout + done.stderr


@pytest.mark.parametrize("text", ["", "{}", "[]"])
def test_visit_without_a_plan_is_refused(built: Path, text: str) -> None:
    done = run(sys.executable, built, "visit", status=1, input=text)
    assert "Traceback" not in done.stderr
    assert "the plan on standard input" in done.stderr
