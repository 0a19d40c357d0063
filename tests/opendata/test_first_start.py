"""A portal that fills itself at its first start, and is known by two names."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests import commands

from .prepared import MIGRATE, prepared
from .running import Server, environment, run, serve

PUBLIC = "https://opendata.example.org"
#: What programs inside of a platform say, and people outside.
INSIDE, OUTSIDE = {"Host": "opendata:8090"}, {"Host": "opendata.example.org"}


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A portal that nobody prepared, with a public address."""
    variables = environment(
        tmp_path_factory.mktemp("first"),
        OPENDATA_PUBLIC_URL=PUBLIC,
        OPENDATA_HOSTS="opendata",
        OPENDATA_HUB_URL="https://hub.example.org",
    )
    with serve(variables, "--migrate", "--seed") as server:
        yield server


def collections(server: Server) -> set[str]:
    """The collections of a portal, with the number of their parts."""
    rows = server.get("/catalog.json").json()["entries"]
    return {f"{row['identifier']}: {len(row['children'])}" for row in rows if row["children"]}


def test_an_unprepared_portal_is_full_when_it_answers(portal: Server) -> None:
    assert {"ana20_01: 5", "acoustic20_01_psd: 6"} <= collections(portal)


def test_a_filled_portal_is_left_alone_by_the_next_start(portal: Server) -> None:
    with serve(portal.variables, "--migrate", "--seed") as again:
        assert collections(again) == collections(portal)


def test_an_interrupted_fill_starts_again(tmp_path: Path) -> None:
    variables = prepared(tmp_path, MIGRATE)
    command = [sys.executable, "-m", "opendata", "seed"]
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) as filling:
        assert filling.stdout is not None
        while "week of ORCA" not in filling.stdout.readline():
            assert filling.poll() is None
        filling.kill()
    with serve(variables, "--seed") as server:
        assert {"ana20_01: 5", "acoustic20_01_psd: 6"} <= collections(server)
    assert run(variables, "check").strip().endswith("Everything is in order.")


@pytest.mark.parametrize(("who", "root"), [(INSIDE, "http://opendata:8090"), (OUTSIDE, PUBLIC)])
def test_addresses_are_those_of_whoever_asks(
    portal: Server, who: dict[str, str], root: str
) -> None:
    record = portal.get("/api/v1/records/ana20_01_vo/", headers=who).json()
    assert record["current"]["service"]["tap"] == f"{root}/vo/tap"
    capabilities = portal.get("/vo/tap/capabilities", headers=who).text
    assert f">{root}/vo/tap" in capabilities
    started = httpx.post(
        f"{portal.url}/vo/tap/async",
        headers=who,
        data={"LANG": "ADQL", "QUERY": "SELECT 1 AS a"},
        timeout=60,
    )
    assert started.headers["Location"].startswith(f"{root}/vo/tap/async/")
    assert f'KM3Store("{root}")' in portal.get("/records/ana20_01_vo/", headers=who).text.replace(
        "&quot;", '"'
    )


@pytest.mark.parametrize("who", [INSIDE, OUTSIDE])
def test_a_citation_names_the_public_address_whoever_asks(
    portal: Server, who: dict[str, str]
) -> None:
    text = portal.get("/records/ana20_01_acc/bib", headers=who).text
    assert f"{PUBLIC}/records/ana20_01_acc/" in text
    assert "//opendata:8090" not in text


def test_a_record_opens_in_the_hub(portal: Server) -> None:
    page = portal.get("/records/ana20_01_acc/").text
    assert "https://hub.example.org/hub/user-redirect/km3/records/ana20_01_acc" in page


def test_the_views_are_loaded_before_the_portal_says_it_is_running(tmp_path: Path) -> None:
    # Otherwise the first visitor waits for the imports: half a minute on a busy machine.
    program = "import sys, opendata.asgi; print('opendata.api.urls' in sys.modules)"
    variables = prepared(tmp_path, MIGRATE)
    done = commands.run(sys.executable, "-c", program, env=variables)
    assert done.stdout.strip() == "True"
