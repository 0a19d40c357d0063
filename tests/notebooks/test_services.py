"""Tutorials 04 and 05 against real portals: one with demonstration data, one with real events.

The real numbers are those of KM3NeT's own service as published notebooks show them; those of the
upper limit come from a second calculation, `limit_from_files`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbclient.exceptions import CellExecutionError

from tests.opendata.prepared import MIGRATE, SEED, prepared
from tests.opendata.running import Server, serve

from . import execution
from .conftest import NOTEBOOKS, ROOT
from .index import Entry

ANTARES = ROOT.parent / "shared/data/antares"
SERVICES = ["04", "05"]

#: CPU seconds and MB of a tutorial.
CPU_SECONDS, PEAK_MB = 60, 2000

REAL = {
    "events": 8754,
    "events with more than 150 hits": 10,
    "most hits": 263,
    "event with most hits": "ANT1157",
    "cone: nearest event": "ANT5087",
    "cone: distance of the nearest [deg]": pytest.approx(0.327663931770686, abs=1e-11),
    "cone: events": 2,
    "background polynomial at 20 deg": pytest.approx(7893.0656496, abs=1e-7),
}


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A portal with demonstration data."""
    pytest.importorskip("opendata", reason="needs the Open Data Center: make test installs it")
    variables = prepared(tmp_path_factory.mktemp("seeded"), MIGRATE, SEED)
    with serve(variables) as server:
        yield server


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A portal with demonstration data and the real ANTARES events."""
    pytest.importorskip("opendata", reason="needs the Open Data Center: make test installs it")
    if not (ANTARES / "ANTARES.data").exists():
        pytest.skip(f"needs the public files ANTARES.data, acc.txt, background.txt in {ANTARES}")
    antares = ("import", "antares", str(ANTARES))
    variables = prepared(tmp_path_factory.mktemp("real"), MIGRATE, SEED, antares)
    with serve(variables) as server:
        yield server


def limit_from_files(ra: float, dec: float, radius: float) -> tuple[int, float]:
    """Events and background in a circle, from the files and by spherical trigonometry."""
    events = np.loadtxt(ANTARES / "ANTARES.data")
    coefficients = np.loadtxt(ANTARES / "background.txt").ravel()
    ra_, dec_ = np.radians(events[:, 0]), np.radians(events[:, 1])
    here = np.radians(dec)
    cosine = np.sin(dec_) * np.sin(here) + np.cos(dec_) * np.cos(here) * np.cos(
        ra_ - np.radians(ra)
    )
    inside = int((cosine > np.cos(np.radians(radius))).sum())
    south = [
        sum(c * d**n for n, c in enumerate(coefficients)) for d in (dec - radius, dec + radius)
    ]
    heights = np.sin(np.radians(dec + radius)) - np.sin(np.radians(dec - radius))
    part = (1 - np.cos(np.radians(radius))) / heights
    return inside, float((south[1] - south[0]) * part)


@pytest.mark.parametrize("number", SERVICES)
def test_runs_with_demonstration_data_and_says_so(
    number: str, executed: Callable[..., execution.Run], seeded: Server
) -> None:
    done = executed(number, seeded.url)
    assert done.numbers["tutorial"] == number
    assert done.cpu_seconds < CPU_SECONDS
    assert done.peak_mb < PEAK_MB


@pytest.mark.parametrize("number", SERVICES)
def test_runs_with_the_real_events(
    number: str, executed: Callable[..., execution.Run], real: Server
) -> None:
    assert executed(number, real.url).numbers["tutorial"] == number


def test_the_real_events_give_the_published_numbers(
    executed: Callable[..., execution.Run], real: Server
) -> None:
    tour = executed("04", real.url).numbers["numbers"]
    assert tour["ANTARES data are real"] is True
    assert tour["background polynomial at 20 deg"] == REAL["background polynomial at 20 deg"]
    numbers = executed("05", real.url).numbers["numbers"]
    assert {name: numbers[name] for name in REAL} == REAL


def test_the_upper_limit_agrees_with_a_second_calculation(
    executed: Callable[..., execution.Run], real: Server
) -> None:
    counting = pytest.importorskip("nugamma.neutrino.counting", reason="needs nugamma")
    numbers: dict[str, Any] = executed("05", real.url).numbers["numbers"]
    found, background = limit_from_files(258.39, -39.76, 1.5)
    limit = counting.feldman_cousins(found, background, 0.9)[1]
    # Row of spectral index 2, bin of sin(declination) from -0.7 to -0.6.
    acceptance = np.loadtxt(ANTARES / "acc.txt")[5, 3]
    assert numbers["RX J1713.7-3946: events"] == found
    assert numbers["RX J1713.7-3946: background"] == pytest.approx(background, abs=1e-3)
    assert numbers["RX J1713.7-3946: signal events, 90 %"] == pytest.approx(limit, abs=0.02)
    flux = numbers["RX J1713.7-3946: flux limit, index 2"]
    assert flux == pytest.approx(limit / acceptance * 1e-8, rel=0.01)


@pytest.mark.parametrize("number", SERVICES)
def test_without_a_server_one_sentence_says_how_to_get_one(
    number: str,
    index: dict[str, Entry],
    science: Callable[[str], Path],
    folder: Path,
) -> None:
    notebook = nbformat.read(NOTEBOOKS / index[number].file, as_version=4)
    with pytest.raises(CellExecutionError) as failure:
        execution.run(notebook, prefix=science(number), folder=folder, home=folder)
    (shown,) = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "error"
    ]
    assert failure.value.ename == "ServerError"
    assert len(shown.traceback) == 2
    assert shown.traceback[0].startswith("ServerError: No catalogue from")
    assert "OPENKM3_SERVER" in shown.traceback[1]
    assert "opendata serve --migrate --seed" in shown.traceback[1]
