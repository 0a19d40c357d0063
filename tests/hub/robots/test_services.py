"""The cells that try the data services, run against a real Open Data Center."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from km3hub.robots.trials import SERVICES
from tests.opendata.running import Server, environment, serve

CELLS = {service.name: service.cell for service in SERVICES}


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A portal with demonstration data."""
    variables = environment(tmp_path_factory.mktemp("portal"))
    with serve(variables, "--migrate", "--seed") as server:
        yield server


def cell(portal: str, code: str, prefix: str = "") -> subprocess.CompletedProcess[str]:
    """Run a cell as the kernel of a user's server does."""
    variables = {**os.environ, "OPENKM3_SERVER": portal, "KM3_TAP_URL": f"{portal}/vo/tap"}
    command = [sys.executable, "-c", prefix + code]
    return subprocess.run(command, capture_output=True, text=True, env=variables, timeout=300)


def test_a_query_lists_tables(portal: Server) -> None:
    done = cell(portal.url, CELLS["tap"])
    assert done.returncode == 0, done.stderr
    assert "tables listed" in done.stdout


def test_a_download_is_compared_with_its_checksum(portal: Server) -> None:
    done = cell(portal.url, CELLS["download"])
    assert done.returncode == 0, done.stderr
    assert "bytes, checksum right" in done.stdout


@pytest.mark.parametrize("name", ["tap", "download"])
def test_a_portal_that_is_down_is_a_failure(name: str) -> None:
    done = cell("http://127.0.0.1:9", CELLS[name])
    assert done.returncode == 1
    assert "refused" in done.stderr.splitlines()[-1]


def test_a_changed_file_is_a_failure(portal: Server) -> None:
    """A byte is changed on the way, as a broken disk or proxy would."""
    changed = CELLS["download"].replace("content = get(path)", "content = b'x' + get(path)[1:]")
    done = cell(portal.url, changed)
    assert done.returncode == 1
    assert "wrong sha256" in done.stderr


def test_a_test_alert_is_refused_and_never_public(portal: Server) -> None:
    tokens = {
        "SENDER": portal.token("robot-sender", "alert-sender"),
        "SIGNER": portal.token("robot-signer", "alert-signer"),
    }
    prefix = "".join(
        f"{name} = {header['Authorization'].removeprefix('Bearer ')!r}\n"
        for name, header in tokens.items()
    )
    before = portal.get("/alerts/feed.json").json()
    done = cell(portal.url, CELLS["alert"], prefix)
    assert done.returncode == 0, done.stderr
    assert "submitted, seen by the signer, refused" in done.stdout
    assert portal.get("/alerts/feed.json").json() == before
    # And again: every alert has an identifier of its own.
    assert cell(portal.url, CELLS["alert"], prefix).returncode == 0


def test_a_sender_who_may_also_sign_is_refused_before_anything_is_sent(portal: Server) -> None:
    """Such an account would publish at once."""
    token = portal.token("both", "alert-sender", "alert-signer")["Authorization"]
    token = token.removeprefix("Bearer ")
    before = portal.get("/alerts/feed.json").json()
    done = cell(portal.url, CELLS["alert"], f"SENDER = {token!r}\nSIGNER = {token!r}\n")
    assert done.returncode == 1
    assert "the account that sends must not be allowed to sign" in done.stderr
    assert portal.get("/alerts/feed.json").json() == before
