"""A source whose datasets are made in seconds, and scans of it."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from nugamma.running.study import Study

from .running import run

#: A point source that only just sets for ARCA: one or two zenith bins, so that its datasets are
#: made in seconds.
NORTH = {
    "name": "North",
    "title": "North star",
    "position": {"ra": "80 deg", "dec": "48 deg"},
    "distance": "0.3 kpc",
    "morphology": {"type": "point"},
    "hadronic": {"amplitude": "4e31 eV-1", "alpha": 2.0, "e_cutoff": "100 TeV"},
    "leptonic": {"amplitude": "1.5e29 eV-1", "alpha": 2.6, "e_cutoff": "60 TeV"},
}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a source; datasets are kept below it."""
    made = tmp_path_factory.mktemp("nugamma")
    (made / "north.yaml").write_text(yaml.safe_dump(NORTH))
    return made


@pytest.fixture(scope="session")
def scanned(folder: Path) -> dict[str, Path]:
    """Return scans of both inputs."""
    return scans(folder, "")


@pytest.fixture(scope="session")
def coarse(folder: Path) -> dict[str, Path]:
    """Return scans at five values of f, as `feldman-cousins` needs ten toys at each of them."""
    few = partial(Study, points=(0, 0.25, 0.5, 0.75, 1))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(import_module("nugamma.cli.scan"), "Study", few)
        return scans(folder, "coarse-")


def scans(folder: Path, prefix: str) -> dict[str, Path]:
    paths = {name: folder / f"{prefix}{name}.json" for name in ("leptonic", "hadronic")}
    for name, out in paths.items():
        words = ("--input", name, "--pseudo", 4, "--workers", 1, "--time-step", 120, "--out", out)
        run(folder, "scan", folder / "north.yaml", *words)
    return paths
