"""A container an image and a session; figures of the images for the record."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from tests.images.container import ALL, LABS, ROOT, Container, docker, inspect, why_not


@pytest.fixture(scope="session")
def need() -> Callable[[str], str]:
    """Skip the test, saying how to make it run, where an image cannot be had."""
    reasons: dict[str, str | None] = {}

    def image_or_skip(image: str) -> str:
        if image not in reasons:
            reasons[image] = why_not(image)
        if reasons[image]:
            pytest.skip(str(reasons[image]))
        return image

    return image_or_skip


@pytest.fixture(scope="session")
def idle(need: Callable[[str], str]) -> Iterator[Callable[[str], Container]]:
    """The idle container of an image that tests share for inspection."""
    containers: dict[str, Container] = {}

    def of(image: str) -> Container:
        if image not in containers:
            containers[image] = Container.idle(need(image))
        return containers[image]

    yield of
    for container in containers.values():
        container.remove()


@pytest.fixture
def start(need: Callable[[str], str]) -> Iterator[Callable[..., Container]]:
    """Start a container of one's own; it is removed after the test."""
    started: list[Container] = []

    def new(image: str, *options: str, idle: bool = False) -> Container:
        make = Container.idle if idle else Container
        started.append(make(need(image), *options))
        return started[-1]

    yield new
    for container in started:
        container.remove()


@pytest.fixture(params=ALL)
def image(request: pytest.FixtureRequest, need: Callable[[str], str]) -> str:
    """Each image in turn."""
    return need(request.param)


@pytest.fixture(params=LABS)
def lab(request: pytest.FixtureRequest, need: Callable[[str], str]) -> str:
    """Each image with JupyterLab in turn; what holds for `stack` holds for `joint`."""
    return need(request.param)


@pytest.fixture(scope="session", autouse=True)
def figures_for_the_record() -> Iterator[None]:
    """Write size and number of layers of each image to tests/.results/images.json."""
    yield
    figures = {}
    for name in ALL:
        if why_not(name) is None:
            facts = inspect(name)
            figures[name] = {
                "bytes": facts["Size"],
                "layers": len(facts["RootFS"]["Layers"]),
                "created": facts["Created"],
                "revision": facts["Config"]["Labels"]["org.opencontainers.image.revision"],
            }
    if figures:
        engine = docker("version", "--format", "{{.Server.Version}}").stdout.strip()
        file = ROOT / "tests/.results/images.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"engine": engine, "images": figures}, indent=1) + "\n")
