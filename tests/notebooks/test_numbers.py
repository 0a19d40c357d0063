"""The tutorials give the published numbers, here and wherever else they run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from tests import commands

from . import execution
from .conftest import NOTEBOOKS, ROOT
from .index import Entry

#: Data of the responses, for the comparison that does without gammapy.
TABLES = ROOT.parent / "shared/data/joint"

# Counts of km3net-testdata 0.4.31, dst/orca6_sample.root, taken with km3io 1.2.6.
EVENTS = {
    "events": 2499,
    "events with a JMuon track": 2495,
    "first event (UTC)": "2021-02-24 12:00:11.400",
    "last event (UTC)": "2021-02-24 12:05:28.500",
    "duration [s]": 317.1,
    "rate [Hz]": 7.9,
    "up-going": 230,
    "up-going, lik > 0": 229,
    "up-going, lik > 40": 43,
    "up-going, lik > 50": 32,
    "up-going, lik > 60": 25,
    "up-going, lik > 100": 6,
    "cos zenith -1.0 to -0.8": 61,
    "cos zenith +0.8 to +1.0": 1176,
}

# Equatorial coordinates: km3astro 0.17.0 with astropy 7.2. Convergence: PROJ 9.5.1. Largest
# differences: against the tables of km3net-testdata, which were made with aanet.
SKY = {
    "ORCA4 first event, altitude [deg]": (49.0281, 1e-4),
    "ORCA4 first event, azimuth [deg]": (292.7597, 1e-4),
    "ORCA4 first event, RA [deg]": (326.4710, 1e-4),
    "ORCA4 first event, Dec [deg]": (44.2621, 1e-4),
    "ORCA6 first event, altitude [deg]": (75.7288, 1e-4),
    "ORCA6 first event, azimuth [deg]": (77.7722, 1e-4),
    "ORCA6 first event, RA [deg]": (0.0180, 1e-4),
    "ORCA6 first event, Dec [deg]": (44.0539, 1e-4),
    "ORCA convergence, formula [deg]": (-2.02421, 2e-5),
    "ARCA convergence, formula [deg]": (0.57747, 2e-5),
    "ORCA6 largest shift without convergence [deg]": (2.02, 5e-3),
    "benchmark ORCA, largest difference [deg]": (0.0, 0.011),
    "benchmark ARCA, largest difference [deg]": (0.0, 0.011),
    "benchmark ANTARES, largest difference [deg]": (0.0, 0.011),
    "benchmark ARCA, long, largest difference [deg]": (0.0, 0.011),
}

# Effective areas: km3irf 0.4.0 read with gammapy 2.1. Background: sky maps as in section 3 of
# arXiv:2309.03007 for Vela X, 1.3 degrees, ten years. PSF: cumulative sums of the file's table.
RESPONSES = {
    "effective area at 1 TeV, zenith 60 deg [m2]": (0.0001, 5e-5),
    "effective area at 10 TeV, zenith 60 deg [m2]": (0.0075, 5e-5),
    "effective area at 100 TeV, zenith 60 deg [m2]": (0.0784, 1e-4),
    "effective area at 1000 TeV, zenith 60 deg [m2]": (0.2791, 3e-4),
    "effective area at 1 TeV, zenith 100 deg [m2]": (0.2583, 3e-4),
    "effective area at 10 TeV, zenith 100 deg [m2]": (11.86, 0.012),
    "effective area at 100 TeV, zenith 100 deg [m2]": (130.5, 0.13),
    "effective area at 1000 TeV, zenith 100 deg [m2]": (600.0, 0.6),
    "effective area at 1 TeV, zenith 150 deg [m2]": (0.2801, 3e-4),
    "effective area at 10 TeV, zenith 150 deg [m2]": (11.31, 0.012),
    "effective area at 100 TeV, zenith 150 deg [m2]": (82.8, 0.08),
    "effective area at 1000 TeV, zenith 150 deg [m2]": (103.0, 0.1),
    "energy dispersion: sum over migra": (1.0, 1e-4),
    "energy dispersion: smallest row sum of the mended kernel": (1.0, 2e-3),
    "atmospheric neutrinos, 10 years": (151.3, 3.0),
    "atmospheric muons, 10 years": (0.641, 0.03),
}

#: What a tutorial may take of a small server, CPU seconds and MB.
CPU_SECONDS, PEAK_MB = 60, 2000

Executed = Callable[[str], execution.Run]
Tutorial = Callable[[str], tuple[nbformat.NotebookNode, Path]]


@pytest.fixture
def tutorial(index: dict[str, Entry], science: Callable[[str], Path]) -> Tutorial:
    """A tutorial as it is in the repository, and the environment that it asks for."""
    return lambda number: (
        nbformat.read(NOTEBOOKS / index[number].file, as_version=4),
        science(number),
    )


@pytest.mark.parametrize("number", ["01", "02", "03"])
def test_runs_without_network_within_a_small_server(number: str, executed: Executed) -> None:
    run = executed(number)
    assert run.numbers["tutorial"] == number
    # Seconds of the processor: seconds on the wall depend on what else the machine does.
    assert run.cpu_seconds < CPU_SECONDS
    assert run.peak_mb < PEAK_MB


def test_the_kernel_has_no_network(
    science: Callable[[str], Path], home: Path, folder: Path
) -> None:
    before, _, description = execution.network_cut()
    if not before:
        pytest.skip(
            f"only {description} here; run as root, or allow user namespaces, with unshare of"
            " util-linux installed"
        )
    probe = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(
                "import json, socket\n"
                "names = [name for _, name in socket.if_nameindex()]\n"
                "try:\n    socket.create_connection(('192.0.2.1', 80), timeout=5)\n"
                "    reached = True\nexcept OSError as error:\n    reached = str(error)\n"
                "print(json.dumps({'interfaces': names, 'reached': reached}))"
            )
        ]
    )
    run = execution.run(probe, prefix=science("01"), folder=folder, home=home)
    assert "unreachable" in run.numbers["reached"]
    assert [name for name in run.numbers["interfaces"] if name.startswith(("eth", "en"))] == []


def test_real_events_are_counted(executed: Executed) -> None:
    numbers = executed("01").numbers["numbers"]
    assert {name: numbers[name] for name in EVENTS} == EVENTS
    assert sum(value for name, value in numbers.items() if name.startswith("cos zenith")) == 2495


@pytest.mark.parametrize("name", SKY)
def test_events_are_where_the_software_of_km3net_puts_them(name: str, executed: Executed) -> None:
    expected, tolerance = SKY[name]
    assert executed("02").numbers["numbers"][name] == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("name", RESPONSES)
def test_responses_are_those_of_km3net(name: str, executed: Executed) -> None:
    expected, tolerance = RESPONSES[name]
    assert executed("03").numbers["numbers"][name] == pytest.approx(expected, abs=tolerance)


def test_signal_agrees_with_a_calculation_without_gammapy(
    executed: Executed, science: Callable[[str], Path]
) -> None:
    if not (TABLES / "km3net_aeff.fits").exists():
        pytest.skip(f"the response tables are not there; put km3net_*.fits of km3irf in {TABLES}")
    script = Path(__file__).with_name("signal_from_tables.py")
    command = [str(science("03") / "bin/python"), str(script), str(TABLES)]
    done = commands.run(*command)
    expected = json.loads(done.stdout)
    numbers = executed("03").numbers["numbers"]
    for name, value in expected.items():
        assert numbers[name] == pytest.approx(value, rel=0.01), name


@pytest.mark.parametrize(
    ("number", "right", "wrong", "complaint"),
    [
        pytest.param(
            "02",
            'tracks["time"], orca, orca.software)',
            'tracks["time"], orca, 0.0)',
            "ORCA4 first event, azimuth",
            id="convergence forgotten",
        ),
        pytest.param(
            "03",
            "density = edisp.data / widths[:, np.newaxis]",
            "density = edisp.data",
            "median reco/true energy, mended",
            id="trap A not mended",
        ),
    ],
)
def test_a_wrong_step_fails_the_numbers_cell(
    *, number: str, right: str, wrong: str, complaint: str, tutorial: Tutorial, folder: Path
) -> None:
    notebook, prefix = tutorial(number)
    changed = [cell for cell in notebook.cells if right in cell.source]
    assert len(changed) == 1
    changed[0].source = changed[0].source.replace(right, wrong)
    with pytest.raises(CellExecutionError) as failure:
        execution.run(notebook, prefix=prefix, folder=folder, home=folder)
    assert failure.value.ename == "AssertionError"
    assert failure.value.evalue.startswith(complaint)
