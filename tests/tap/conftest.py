"""Published events and a running stand-alone server."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

for module in ("adqlite", "starlette", "uvicorn"):
    pytest.importorskip(module, reason=f"needs {module}: make .dev installs it")

from adqlite import Limits, TableStore  # noqa: E402
from adqlite.queries.engine import Engine  # noqa: E402
from adqlite.tables.metadata import Schema, Table, TableColumn  # noqa: E402

from .events import publish  # noqa: E402
from .few import ROWS  # noqa: E402
from .server import Server  # noqa: E402

#: Limits that a test can reach.
LIMITS = {"sync_seconds": "8", "upload_bytes": "2000000", "jobs": "40", "async_seconds": "120"}


@pytest.fixture(scope="session")
def antares_file() -> Path:
    """The public events of ANTARES."""
    shared = Path(__file__).parents[3] / "shared" / "data" / "antares"
    path = Path(os.environ.get("ANTARES_DATA") or shared) / "ANTARES.data"
    if not path.is_file():
        pytest.skip(f"{path} is missing: set ANTARES_DATA to the folder with the public events")
    return path


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, antares_file: Path) -> Path:
    """Folder with the published events."""
    path = tmp_path_factory.mktemp("tap")
    publish(path, antares_file)
    return path


@pytest.fixture(scope="session")
def engine(folder: Path) -> Engine:
    """An engine on the published events."""
    return Engine(TableStore(folder), Limits())


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """An engine on a few rows with many missing values; the position has an index."""
    store = TableStore(Path(tmp_path_factory.mktemp("small")))
    columns = (
        TableColumn(name="k", datatype="int"),
        TableColumn(name="i", datatype="short", indexed=True),
        TableColumn(name="j", datatype="long"),
        TableColumn(name="x", datatype="double"),
        TableColumn(name="s", datatype="unicodeChar", arraysize="*"),
        TableColumn(name="ra", datatype="double", ucd="pos.eq.ra;meta.main", unit="deg"),
        TableColumn(name="dec", datatype="double", ucd="pos.eq.dec;meta.main", unit="deg"),
    )
    store.publish(Schema(name="few", tables=(Table(name="t", columns=columns),)), {"t": ROWS})
    return Engine(store, Limits())


@pytest.fixture(scope="session")
def server(folder: Path) -> Iterator[Server]:
    """A stand-alone server with the published events."""
    limits = [word for name, value in LIMITS.items() for word in ("--limit", f"{name}={value}")]

    def command(port: int) -> list[str]:
        program = [sys.executable, "-m", "adqlite", "serve", str(folder)]
        return [*program, "--port", str(port), *limits]

    running = Server(folder, command)
    running.start()
    yield running
    running.stop()
