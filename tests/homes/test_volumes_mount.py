"""The engine lets the service `homes` have Docker's volumes, whatever enforces the limits."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import docker
import pytest
from docker.types import Mount

from km3settings.disks import Enforced, HomesChoice
from tests.images.container import why_not

pytestmark = pytest.mark.docker


@pytest.mark.parametrize("backend", get_args(Enforced))
def test_engine_accepts_the_mount_of_each_backend(backend: Enforced) -> None:
    if reason := why_not("homes"):
        pytest.skip(reason)
    engine = docker.from_env()
    volumes = Path(engine.info()["DockerRootDir"], "volumes")
    propagation = HomesChoice(backend, "", volumes).environment()["KM3_HOMES_PROPAGATION"]
    # As docker-compose.yml has it; the engine checks this when it creates a container.
    mount = Mount("/volumes", str(volumes), type="bind", propagation=propagation)
    engine.containers.create("km3net/homes", mounts=[mount]).remove()
