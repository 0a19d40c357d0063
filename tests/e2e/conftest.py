"""Platforms and browsers for the end-to-end tests."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.platforms import Platform, start


def why_no_containers() -> str | None:
    """Why containers cannot be tested here, and how to change that; None where they can."""
    if (
        not shutil.which("docker")
        or subprocess.run(["docker", "version"], capture_output=True).returncode
    ):
        return "no Docker Engine answers: make engine images"
    for name in ("stack", "joint", "hub", "proxy", "firewall", "opendata"):
        image = f"km3net/{name}"
        if subprocess.run(["docker", "image", "inspect", image], capture_output=True).returncode:
            return f"the image {image} is missing: make images"
    return None


@pytest.fixture(scope="module", params=["embedded", "docker"])
def platform(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    """A platform in either mode, fresh for a file of tests."""
    mode: str = request.param
    if mode == "docker" and (reason := why_no_containers()):
        pytest.skip(reason)
    folder: Path = tmp_path_factory.mktemp(mode)
    running = start(mode, folder, project="km3e2e")
    yield running
    running.stop()
