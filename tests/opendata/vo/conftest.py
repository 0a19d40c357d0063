"""The VO services in Django as a running server."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ...tap.conftest import antares_file  # noqa: F401
from ...tap.events import publish
from ...tap.server import Server

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, antares_file: Path) -> Path:  # noqa: F811
    """Folder with the published events."""
    path = tmp_path_factory.mktemp("vo")
    publish(path, antares_file)
    return path


@pytest.fixture(scope="session")
def server(folder: Path) -> Iterator[Server]:
    """A running server with the events of ANTARES."""

    def command(port: int) -> list[str]:
        program = [sys.executable, "-m", "uvicorn", "site_of_tests:application"]
        return [*program, "--port", str(port), "--log-level", "warning"]

    paths = [str(ROOT / "platform" / "opendata" / "src"), str(Path(__file__).parent)]
    variables = {
        "PYTHONPATH": os.pathsep.join(paths),
        "VO_FOLDER": str(folder),
        "DJANGO_SETTINGS_MODULE": "site_of_tests",
    }
    running = Server(folder, command, "/vo", variables)
    running.start()
    yield running
    running.stop()
