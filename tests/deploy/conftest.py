"""What tests of backups need: restic, an engine, a user's home in a volume."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.deploy.machines import docker


@pytest.fixture(scope="module")
def restic() -> None:
    """What the program calls."""
    if os.geteuid() != 0:
        pytest.skip("backups are root's: run the tests as root")
    if shutil.which("restic") is None:
        pytest.skip("there is no restic: make tools")
    done = (
        subprocess.run(["docker", "version"], capture_output=True)
        if shutil.which("docker")
        else None
    )
    if done is None or done.returncode:
        pytest.skip("no Docker Engine answers: make engine")


@pytest.fixture
def project(restic: None) -> str:
    """A project that the engine has nothing of."""
    return f"km3backup-{uuid4().hex[:8]}"


@pytest.fixture
def home(project: str) -> Iterator[Path]:
    """The home of a user, in a volume as the hub makes them."""
    name = f"{project}-home-ada"
    docker("volume", "create", f"--label=org.km3net.project={project}", name)
    place = Path(docker("volume", "inspect", "--format={{.Mountpoint}}", name))
    try:
        if not place.is_dir():
            pytest.skip("the engine's volumes are elsewhere: run the tests where it runs")
        yield place
    finally:
        docker("volume", "rm", name)
