"""The client: loading from the cache against pandas on the same file, and memory of streaming."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from tests import commands
from tests.bench.figures import Figure, spread
from tests.opendata.running import environment, run, serve

TITLE = "openkm3"
ROUNDS = 15
ROWS, EVENTS = 500_000, 10_000_000
EVENT = np.dtype(
    [("energy", "f8"), ("ra", "f8"), ("dec", "f8"), ("mjd", "f8"), ("nhit", "i4"), ("id", "i8")]
)
STREAM = """
import sys
from pathlib import Path
from openkm3.formats.hdf5 import stream
count, total = 0, 0.0
for rows in stream(Path(sys.argv[1]), "events"):
    count += len(rows)
    total += float(rows["energy"].sum())
status = Path("/proc/self/status").read_text()
print(count, int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6)
"""


def measure() -> list[Figure]:
    """Publish a file, load it again and again; stream a large one."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        return [*cached(folder), streamed(folder)]


def cached(folder: Path) -> list[Figure]:
    """Load from the warm cache, in turn with pandas."""
    from openkm3.openio import KM3Store

    variables = environment(folder)
    path = folder / "events.h5"
    events(path, ROWS)
    run(variables, "migrate")
    options = ["--identifier", "bench24_01", "--accept-findings", "a benchmark", "--table", "none"]
    run(variables, "import", "file", str(path), *options)
    os.environ["OPENKM3_CACHE"] = str(folder / "cache")
    figures = []
    with serve(variables) as server:
        store = KM3Store(server.url)
        first = store.get("bench24_01", ["events"], "pandas").data
        assert len(first) == ROWS
        loaded, plain, bare = [], [], []
        for _ in range(ROUNDS):
            loaded.append(timed(lambda: store.get("bench24_01", ["events"], "pandas").data))
            plain.append(timed(lambda: pd.read_hdf(path, "events")))
            bare.append(timed(lambda: read(path)))
    for name, others in (("pandas.read_hdf", plain), ("h5py and DataFrame", bare)):
        ratios = [a / b for a, b in zip(loaded, others, strict=True)]
        figures.append(
            Figure(
                f'KM3Store.get(id, "pandas") from the cache / {name}', spread(ratios, ""), "<= 1.2"
            )
        )
    shown = spread([1000 * t for t in loaded], "ms")
    figures.append(Figure(f'KM3Store.get(id, "pandas") from the cache, {ROWS} rows', shown))
    return figures


def read(path: Path) -> pd.DataFrame:
    """Read the table as one does without a library for it."""
    with h5py.File(path) as file:
        return pd.DataFrame(file["events"][:])


def streamed(folder: Path) -> Figure:
    """Go through a large file in a process of its own; its peak memory."""
    path = folder / "large.h5"
    events(path, EVENTS)
    command = [sys.executable, "-c", STREAM, str(path)]
    done = commands.run(*command)
    count, peak = done.stdout.split()
    assert int(count) == EVENTS
    size = path.stat().st_size / 1e6
    what = f"{EVENTS:.0e} events of HDF5 ({size:.0f} MB) streamed, peak memory"
    return Figure(what, f"{float(peak):.0f} MB", "<= 300 MB")


def events(path: Path, number: int) -> None:
    """Write a table as PyTables does, in pieces."""
    draw = np.random.default_rng(44)
    with h5py.File(path, "w") as file:
        file.attrs.update({"CLASS": "GROUP", "PYTABLES_FORMAT_VERSION": "2.1", "VERSION": "1.0"})
        table = file.create_dataset("events", (number,), dtype=EVENT, chunks=(20_000,))
        table.attrs.update({"CLASS": "TABLE", "VERSION": "2.7", "TITLE": ""})
        for index, name in enumerate(EVENT.names or ()):
            table.attrs[f"FIELD_{index}_NAME"] = name
        for start in range(0, number, 500_000):
            piece = np.zeros(min(500_000, number - start), dtype=EVENT)
            for name in ("energy", "ra", "dec", "mjd"):
                piece[name] = draw.random(len(piece))
            piece["id"] = np.arange(start, start + len(piece))
            table[start : start + len(piece)] = piece


def timed(call: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
