"""The workflow of the paper runs, and REANA is given the same one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from astropy.table import Table

from tests.commands import run

WORKFLOW = Path(__file__).parents[3] / "platform" / "nugamma" / "workflow"
TINY = {
    "sources": ["VelaX"],
    "modes": ["pinned"],
    "pseudo": 3,
    "seed": 1,
    "level": 0.9,
    "time_step": 240,
    "out": "results",
    "image": "km3net/joint",
}


def snakemake(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("snakemake", reason="needs snakemake: run it in the dev environment")
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "home")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    return run(
        sys.executable,
        "-m",
        "snakemake",
        "--cores",
        "2",
        *words,
        status=None,
        cwd=folder,
        env=environment,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(WORKFLOW, tmp_path / "workflow")
    return tmp_path / "workflow"


def test_the_paper_is_four_sources_of_two_kinds(folder: Path) -> None:
    plan = snakemake(folder, "--dry-run", "--printshellcmds")
    assert plan.returncode == 0, plan.stdout + plan.stderr
    said = (plan.stdout + plan.stderr).splitlines()
    commands = [line[line.index("nugamma ") :] for line in said if "nugamma " in line]
    scans = [line for line in commands if line.startswith("nugamma scan")]
    assert len(scans) == 8
    assert all("--pseudo 100" in line for line in scans)
    assert {line.split()[1] for line in commands} == {"fit", "datasets", "scan", "limits", "plot"}


def test_reana_runs_the_same_file(folder: Path) -> None:
    """The parts of REANA's schema that a Snakemake workflow needs."""
    specification = yaml.safe_load((folder / "reana.yaml").read_text())
    assert specification["workflow"]["type"] == "snakemake"
    assert specification["workflow"]["file"] == "Snakefile"
    for name in specification["inputs"]["files"]:
        assert (folder / name).is_file()
    assert specification["inputs"]["parameters"]["input"] == "config.yaml"
    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert specification["outputs"]["directories"] == [config["out"]]
    # REANA runs every rule in the container that the file names
    assert "container:" in (folder / "Snakefile").read_text()


@pytest.mark.skipif(
    "NUGAMMA_WORKFLOW" not in os.environ,
    reason="takes a minute: set NUGAMMA_WORKFLOW=1 (make physics does)",
)
def test_a_tiny_paper_is_made_from_nothing(folder: Path) -> None:
    (folder / "config.yaml").write_text(yaml.safe_dump(TINY))
    done = snakemake(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    results = folder / "results"
    assert {path.name for path in results.glob("*.pdf")} == {
        "fit-VelaX.pdf",
        "pinned-VelaX.pdf",
        "pinned-intervals.pdf",
    }
    table = Table.read(results / "pinned-limits.ecsv")
    assert len(table) == 6
    scan = json.loads((results / "pinned-VelaX-leptonic.json").read_text())
    assert scan["combined"]["dts_mean"][-1] > 20
    again = snakemake(folder)
    assert "Nothing to be done" in again.stdout + again.stderr
