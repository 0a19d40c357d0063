"""What tests of backups need: restic, an engine, the volumes of a platform."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from tests.commands import run
from tests.host.machines import docker


@pytest.fixture(scope="module")
def restic() -> None:
    """The programs that backups call."""
    if os.geteuid() != 0:
        pytest.skip("backups need root: run the tests as root")
    if shutil.which("restic") is None:
        pytest.skip("there is no restic: make tools")
    engine = shutil.which("docker")
    if engine is None or run(engine, "version", status=None).returncode:
        pytest.skip("no Docker Engine answers: make engine")


@pytest.fixture
def project(restic: None) -> str:
    """The name of a platform that the engine has nothing of."""
    return f"km3backup-{uuid4().hex[:8]}"


@contextmanager
def _volume(project: str, name: str) -> Iterator[Path]:
    """A volume as the hub makes them; yields its folder."""
    full = f"{project}-{name}"
    docker("volume", "create", f"--label=org.km3net.project={project}", full)
    place = Path(docker("volume", "inspect", "--format={{.Mountpoint}}", full))
    try:
        if not place.is_dir():
            pytest.skip("the engine's volumes are elsewhere: run the tests where it runs")
        yield place
    finally:
        docker("volume", "rm", full)


@pytest.fixture
def home(project: str) -> Iterator[Path]:
    """The home of a user."""
    with _volume(project, "home-ada") as place:
        yield place


@pytest.fixture
def hub_state(project: str) -> Iterator[Path]:
    """The volume with the hub's state."""
    with _volume(project, "state") as place:
        yield place
