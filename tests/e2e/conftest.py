"""Platforms and browsers for the end-to-end tests."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.e2e.platforms import Platform, start

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
#: Without these Chromium looks for its makers' hosts at every start.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def why_no_containers() -> str | None:
    """Why containers cannot be tested here, and how to change that; None where they can."""
    if (
        not shutil.which("docker")
        or subprocess.run(["docker", "version"], capture_output=True).returncode
    ):
        return "no Docker Engine answers: make engine images"
    for name in ("stack", "joint", "hub", "proxy", "firewall"):
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


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    if not CHROMIUM:
        pytest.skip("no Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        chromium.close()
