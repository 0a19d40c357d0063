"""A user's server for tests, and a set of tutorials."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.limits import MemoryGroup
from tests.lab.running import LabServer, require_lab

StartLab = Callable[..., LabServer]


def notebook(title: str, about: str = "What it is about.") -> str:
    """The text of a small notebook."""
    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": [f"# {title}\n\n{about}"]},
        {
            "cell_type": "code",
            "id": "b",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": ["6 * 7"],
        },
    ]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python", "language": "python"}}
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture
def pristine(tmp_path: Path) -> Path:
    """The tutorials of an image."""
    folder = tmp_path / "image"
    (folder / "figures").mkdir(parents=True)
    (folder / "01-events.ipynb").write_text(notebook("Reading KM3NeT events"))
    (folder / "02-sky.ipynb").write_text(notebook("From the detector to the sky"))
    (folder / "README.md").write_text("# Tutorials\n")
    (folder / "figures" / "detector.svg").write_text("<svg/>")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def lab_environment() -> Path:
    """The Python of JupyterLab's environment."""
    return require_lab()


@pytest.fixture
def start_lab(lab_environment: Path, tmp_path: Path) -> Iterator[StartLab]:
    """A function that starts a user's server: `start_lab(home, KM3_SIZE="small")`."""
    running: list[LabServer] = []

    def start(
        home: Path, *options: str, preexec: Callable[[], None] | None = None, **env: str
    ) -> LabServer:
        server = LabServer(home, tmp_path / f"server-{len(running)}.log", **env)
        running.append(server)
        return server.start(*options, preexec=preexec)

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def group() -> Iterator[MemoryGroup]:
    try:
        made = MemoryGroup()
    except OSError as error:
        pytest.skip(f"needs root and a cgroup file system that can be written ({error})")
    yield made
    made.remove()


@pytest.fixture
def limited(group: MemoryGroup, start_lab: StartLab, home: Path) -> Iterator[LabServer]:
    """A server with a limit of memory, as in a container."""
    server = start_lab(home, preexec=group.enter, KM3_SIZE="small", KM3_SIZE_TITLE="Small")
    yield server
    server.stop()
