"""Tables and a running server for the tests of the VO services."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "platform" / "opendata" / "src"))
for module in ("lark", "astropy", "pydantic", "django", "uvicorn"):
    pytest.importorskip(module, reason=f"needs {module}: run it in the environment of opendata")

from adqlite.limits import Limits  # noqa: E402
from adqlite.queries.engine import Engine  # noqa: E402
from adqlite.tables.storage import TableStore  # noqa: E402
from opendata.vo import antares  # noqa: E402


@pytest.fixture(scope="session")
def antares_file() -> Path:
    """The public events of ANTARES."""
    folder = os.environ.get("ANTARES_DATA") or ROOT.parent / "shared" / "data" / "antares"
    path = Path(folder) / "ANTARES.data"
    if not path.is_file():
        pytest.skip(f"the events of ANTARES are not in {folder}; set ANTARES_DATA to their folder")
    return path


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, antares_file: Path) -> Path:
    """Folder with the published events."""
    path = tmp_path_factory.mktemp("vo")
    antares.publish(TableStore(path), antares_file)
    return path


@pytest.fixture(scope="session")
def engine(folder: Path) -> Engine:
    """An engine on the published events."""
    return Engine(TableStore(folder), Limits())


class Server:
    """A server of the services, as its own process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/vo"
        self.log = folder.with_suffix(".log")

    def start(self) -> None:
        paths = [str(ROOT / "platform" / "opendata" / "src"), str(Path(__file__).parent)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "uvicorn",
                    "site_of_tests:application",
                    "--port",
                    str(self.port),
                    "--log-level",
                    "warning",
                ],
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(paths),
                    "VO_FOLDER": str(self.folder),
                    "DJANGO_SETTINGS_MODULE": "site_of_tests",
                },
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/tap/availability", timeout=5).close()
                return
            except (urllib.error.URLError, OSError):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(self.log.read_text()) from None
                time.sleep(0.1)

    def kill(self) -> None:
        """End it at once, as a power cut does."""
        self.process.kill()
        self.process.wait(20)


@pytest.fixture(scope="session")
def server(folder: Path) -> Iterator[Server]:
    """A running server with the events of ANTARES."""
    running = Server(folder)
    running.start()
    yield running
    running.process.terminate()
    running.process.wait(20)
