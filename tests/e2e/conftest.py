"""Platforms and browsers for the end-to-end tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import run
from tests.e2e.platforms import Platform, start


def why_no_containers() -> str | None:
    """Return why containers cannot be tested here and how to change that; None if they can."""
    if not shutil.which("docker") or run("docker", "version", status=None).returncode:
        return "no Docker Engine answers: make engine images"
    for name in ("stack", "joint", "hub", "proxy", "broker", "firewall", "opendata"):
        image = f"km3net/{name}"
        if run("docker", "image", "inspect", image, status=None).returncode:
            return f"the image {image} is missing: make images"
    return None


@pytest.fixture(scope="module", params=["embedded", "docker"])
def platform(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    """A new platform for each test file, in either mode."""
    mode: str = request.param
    if mode == "docker" and (reason := why_no_containers()):
        pytest.skip(reason)
    folder: Path = tmp_path_factory.mktemp(mode)
    running = start(mode, folder, project="km3e2e")
    yield running
    running.stop()
