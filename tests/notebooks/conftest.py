"""Where the tutorials are, and each of them executed once."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest

from . import execution
from .index import Entry, entries

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
RESULTS = ROOT / "tests" / ".results" / "notebooks.json"


def _prefix(environment: str) -> Path:
    """The science environment of that name; the joint one holds everything of the stack."""
    named = os.environ.get("KM3_KERNELS")
    candidates = [Path(named)] if named else [ROOT / ".platform/envs/joint", Path("/opt/km3net")]
    for candidate in candidates:
        sibling = candidate.parent / environment
        for prefix in (sibling, candidate):
            if (prefix / "bin/python").exists():
                return prefix
    pytest.skip(
        f"no science environment in {' or '.join(map(str, candidates))}; `make up` installs it,"
        " or name one: KM3_KERNELS=PREFIX"
    )


@pytest.fixture(scope="session")
def index() -> dict[str, Entry]:
    """The tutorials as `notebooks/README.md` lists them, by number."""
    return {entry.number: entry for entry in entries(NOTEBOOKS / "README.md")}


@pytest.fixture(scope="session")
def science(index: dict[str, Entry]) -> Callable[[str], Path]:
    """The prefix of the environment that a tutorial asks for."""
    return lambda number: _prefix(index[number].environment)


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """A home that starts empty, as a new user's; short, as sockets have short names."""
    with tempfile.TemporaryDirectory(prefix="km3-") as folder:
        yield Path(folder)


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder with a name short enough for sockets (at most 107 characters)."""
    with tempfile.TemporaryDirectory(prefix="km3-") as name:
        yield Path(name)


@pytest.fixture(scope="session")
def executed(
    index: dict[str, Entry], science: Callable[[str], Path], home: Path
) -> Callable[..., execution.Run]:
    """Run a tutorial, once a session and server, and record what it took in tests/.results."""
    runs: dict[str, execution.Run] = {}

    def run(number: str, server: str | None = None) -> execution.Run:
        key = f"{number} {server}" if server else number
        if key not in runs:
            prefix = science(number)
            notebook = nbformat.read(NOTEBOOKS / index[number].file, as_version=4)
            with tempfile.TemporaryDirectory(prefix="km3-") as name:
                folder = Path(name)
                runs[key] = execution.run(
                    notebook, prefix=prefix, folder=folder, home=home, server=server
                )
                left = sorted(path.name for path in (folder / "work").iterdir())
                assert left == [], f"tutorial {number} wrote files where it was run: {left}"
            RESULTS.parent.mkdir(parents=True, exist_ok=True)
            RESULTS.write_text(
                json.dumps(
                    {
                        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
                        "runs": {key: dataclasses.asdict(value) for key, value in runs.items()},
                    },
                    indent=1,
                )
            )
        return runs[key]

    return run
