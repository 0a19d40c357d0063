"""How the services are looked at."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from km3hub.status.checks import Address, Check, Container, Counts, Starts
from km3hub.status.history import CheckResult


def seen(look: Check) -> CheckResult:
    """What it sees; in a thread, as Playwright keeps an event loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(look())).result()  # type: ignore[arg-type]


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_page_that_answers_works(address: str) -> None:
    look = seen(Address("data", f"{address}/health"))
    assert (look.works, look.message) == (True, "Responding.")


def test_an_error_counts_as_a_failure_and_hides_addresses_from_users(address: str) -> None:
    look = seen(Address("data", f"{address}/broken"))
    assert (look.works, look.message) == (False, "Not responding.")


def test_a_closed_port_counts_as_no_answer() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    look = seen(Address("data", f"http://127.0.0.1:{port}/health"))
    assert (look.works, look.message) == (False, "Not responding.")


@pytest.mark.parametrize(
    ("health", "works", "said"),
    [
        ("healthy", True, "Responding."),
        ("starting", False, "Starting."),
        ("unhealthy", False, "Not responding."),
        ("exited", False, "Not responding."),
    ],
)
def test_a_container_is_as_docker_sees_it(health: str, works: bool, said: str) -> None:
    look = seen(Container("data", lambda: health))
    assert (look.works, look.message) == (works, said)


def test_a_container_that_is_gone_does_not_run() -> None:
    def missing() -> str:
        raise OSError("no such container: km3net-opendata")

    look = seen(Container("data", missing))
    assert (look.works, look.message) == (False, "Not running.")


class _Counter:
    def __init__(self, *values: tuple[int, int]) -> None:
        self._values = iter(values)

    def __call__(self) -> Counts:
        return Counts(*next(self._values))


@pytest.mark.parametrize(
    ("before", "after", "works", "said"),
    [
        ((5, 9), (5, 9), True, "No server was started in the last hour."),
        ((5, 9), (17, 9), True, "12 started in the last hour, none failed."),
        ((5, 9), (6, 10), True, "1 started in the last hour, 1 failed."),
        ((5, 9), (5, 10), True, "0 started in the last hour, 1 failed."),
        ((5, 9), (5, 11), False, "0 started in the last hour, 2 failed."),
        ((5, 9), (15, 13), True, "10 started in the last hour, 4 failed."),
    ],
)
def test_starts_are_judged_by_those_of_late(
    before: tuple[int, int], after: tuple[int, int], works: bool, said: str
) -> None:
    starts = Starts(_Counter(before, after))
    assert seen(starts).works
    look = seen(starts)
    assert (look.works, look.message) == (works, said)


def test_without_an_engine_nothing_can_be_started() -> None:
    def silent() -> None:
        raise OSError("connection refused")

    look = seen(Starts(_Counter((3, 0)), silent))
    assert (look.works, look.message) == (False, "No server can be started.")
