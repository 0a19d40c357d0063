"""Every tutorial gives the same numbers embedded, in the hub's containers and in `docker run`.

Counts and words are equal to the letter. Other numbers agree to 1e-6: the images have another
Python and other compiled libraries, and fits that end one step apart differ by up to 6e-8.
The table of all numbers is written to tests/.results/same-numbers.md.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.commands import run
from tests.e2e.conftest import why_no_containers
from tests.e2e.platforms import RESULTS, ROOT, start
from tests.e2e.servers import run_notebook, start_kernel, start_server, stop_server

#: Those that work everywhere; the others need an Open Data Center (tests/notebooks has them).
TUTORIALS = sorted(
    path.name
    for path in (ROOT / "notebooks").glob("[0-9][0-9]-*.ipynb")
    if "No network is needed." in path.read_text()
)
IMAGE = "km3net/joint"
Numbers = dict[str, Any]


def numbers_in(text: str) -> Numbers:
    """The numbers of a tutorial: the last line that it prints."""
    found: Numbers = json.loads(text.strip().splitlines()[-1])["numbers"]
    return found


def in_a_hub(mode: str, folder: Path) -> dict[str, Numbers]:
    """Run each tutorial in a fresh kernel of a server that the hub started."""
    platform = start(mode, folder, project="km3same")
    try:
        person = platform.api(platform.user, platform.password)
        start_server(person, {"environment": "joint", "size": "large"})
        found = {
            name: numbers_in(run_notebook(start_kernel(person), ROOT / "notebooks" / name))
            for name in TUTORIALS
        }
        stop_server(person)
    finally:
        platform.stop()
    return found


def in_docker_run() -> dict[str, Numbers]:
    """Run each tutorial of the image without network, as a visitor would on a train."""
    execute = "cd /tmp && /opt/lab/bin/jupyter execute --output=/tmp/done.ipynb /opt/tutorials/$1"
    found = {}
    for name in TUTORIALS:
        command = ["docker", "run", "--rm", "--network=none", IMAGE, "bash", "-ec"]
        command += [f"({execute}) >&2; cat /tmp/done.ipynb", "run", name]
        result = run(*command, timeout=600)
        last = [c for c in json.loads(result.stdout)["cells"] if c["cell_type"] == "code"][-1]
        text = "".join("".join(o["text"]) for o in last["outputs"] if o["output_type"] == "stream")
        found[name] = numbers_in(text)
    return found


def write_table(runs: dict[str, dict[str, Numbers]]) -> None:
    """Record all numbers of all runs, side by side."""
    places = list(runs)
    lines = ["# The same tutorial, the same numbers", ""]
    for name in TUTORIALS:
        lines += [f"## {name}", "", "| quantity | " + " | ".join(places) + " |"]
        lines += ["|---|" + "---|" * len(places)]
        for quantity in runs[places[0]][name]:
            values = [str(runs[place][name].get(quantity)) for place in places]
            lines.append(f"| {quantity} | " + " | ".join(values) + " |")
        lines.append("")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "same-numbers.md").write_text("\n".join(lines))


def test_every_tutorial_gives_the_same_numbers_everywhere(tmp_path: Path) -> None:
    if reason := why_no_containers():
        pytest.skip(reason)
    (tmp_path / "embedded").mkdir()
    (tmp_path / "hub").mkdir()
    runs = {
        "embedded": in_a_hub("embedded", tmp_path / "embedded"),
        "hub, containers": in_a_hub("docker", tmp_path / "hub"),
        "docker run, no network": in_docker_run(),
    }
    write_table(runs)
    assert len(TUTORIALS) >= 3
    first = runs["embedded"]
    for place, found in runs.items():
        assert list(found) == list(first), place
        for name, numbers in found.items():
            assert list(numbers) == list(first[name]), (place, name)
            for quantity, value in first[name].items():
                same = value if isinstance(value, str) else pytest.approx(value, rel=1e-6)
                assert numbers[quantity] == same, (place, name, quantity)
