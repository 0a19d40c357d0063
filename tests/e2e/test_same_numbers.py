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


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Numbers]:
    if reason := why_no_containers():
        pytest.skip(reason)
    return in_a_hub("embedded", tmp_path_factory.mktemp("embedded"))


@pytest.fixture(scope="module")
def containers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Numbers]:
    return in_a_hub("docker", tmp_path_factory.mktemp("hub"))


@pytest.fixture(scope="module")
def visitors() -> dict[str, Numbers]:
    return in_docker_run()


def differences(first: dict[str, Numbers], found: dict[str, Numbers]) -> list[str]:
    """What is not the same in two places, a line each."""
    if (names := list(found)) != list(first):
        return [f"tutorials: {list(first)}, {names}"]
    lines = []
    for name, numbers in found.items():
        if list(numbers) != list(first[name]):
            lines.append(f"{name}: {list(first[name])}, {list(numbers)}")
            continue
        for quantity, value in first[name].items():
            same = value if isinstance(value, str) else pytest.approx(value, rel=1e-6)
            if numbers[quantity] != same:
                lines.append(f"{name}, {quantity}: {value}, {numbers[quantity]}")
    return lines


def test_tutorials_without_network_are_known(embedded: dict[str, Numbers]) -> None:
    assert len(embedded) >= 3


def test_a_hub_with_containers_gives_the_numbers_of_embedded_mode(
    embedded: dict[str, Numbers], containers: dict[str, Numbers]
) -> None:
    assert differences(embedded, containers) == []


def test_an_image_alone_gives_the_numbers_of_embedded_mode(
    embedded: dict[str, Numbers], visitors: dict[str, Numbers]
) -> None:
    assert differences(embedded, visitors) == []


def test_all_numbers_are_written_side_by_side(
    embedded: dict[str, Numbers], containers: dict[str, Numbers], visitors: dict[str, Numbers]
) -> None:
    write_table({"embedded": embedded, "hub, containers": containers, "docker run": visitors})
    assert "docker run" in (RESULTS / "same-numbers.md").read_text()
