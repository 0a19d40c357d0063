"""A platform in containers for each file of tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from km3settings.disks import disk_of
from tests.commands import run
from tests.e2e.platforms import start
from tests.hub.docker.platforms import Site, why_no_containers

StartSite = Callable[..., Site]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.docker)


@pytest.fixture(scope="session")
def engine_and_images() -> None:
    """Skip without an engine or with a missing image."""
    if reason := why_no_containers():
        pytest.skip(reason)


@pytest.fixture(scope="module")
def volumes(engine_and_images: None) -> Iterator[Path]:
    """The folder with Docker's volumes, where mounts of a container appear on the machine."""
    root = run("docker", "info", "--format", "{{.DockerRootDir}}").stdout.strip()
    folder = Path(root, "volumes")
    if os.geteuid():
        pytest.skip("looking at volumes needs root")
    if not Path("/dev/loop-control").exists():
        pytest.skip("the kernel has no loop devices: modprobe loop")
    disk = disk_of(folder, Path("/proc/self/mountinfo").read_text())
    own = disk is not None and not disk.shared
    if own:
        run("mount", "--bind", folder, folder)
        run("mount", "--make-shared", folder)
    yield folder
    if own:
        run("umount", "--lazy", folder)


@pytest.fixture(scope="module")
def start_site(
    engine_and_images: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StartSite]:
    """A function that starts a platform: `start_site(settings="...")`."""
    running: list[Site] = []

    def begin(settings: str = "", project: str = "km3t") -> Site:
        folder = tmp_path_factory.mktemp(project)
        folder.chmod(0o755)
        site = Site(start("docker", folder, project=project, settings=settings))
        running.append(site)
        return site

    yield begin
    for site in running:
        site.platform.stop()


@pytest.fixture(scope="module")
def site(start_site: StartSite) -> Site:
    """A platform with default settings."""
    return start_site()
