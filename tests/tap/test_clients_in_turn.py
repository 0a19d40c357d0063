"""Clients of a real server: one that takes all it can does not stop another."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from lxml import etree

from tests.waiting import wait_until

from .server import Server

LONG = "SELECT COUNT(*) FROM ant20_01.main AS a, ant20_01.main AS b, ant20_01.main AS c"
SHORT = "SELECT COUNT(*) AS n FROM ant20_01.main"
#: The server trusts what a proxy on this machine reports.
GREEDY, OTHER = "198.51.100.1", "2001:db8:1:2::1"


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    limits = ["client_jobs=20", "client_stored_bytes=300000", "parallel_queries=2"]
    words = [word for limit in limits for word in ("--limit", limit)]
    program = [sys.executable, "-m", "adqlite", "serve", str(folder)]
    running = Server(folder, lambda port: [*program, "--port", str(port), *words])
    running.start()
    yield running
    running.stop()


def post(server: Server, client: str, query: str, path: str = "async", **more: str):
    data = {"LANG": "ADQL", "QUERY": query, "FORMAT": "csv", **more}
    headers = {"X-Forwarded-For": client}
    return httpx.post(f"{server.url}/tap/{path}", data=data, headers=headers, timeout=60)


def error_of(answer: httpx.Response) -> str:
    info = etree.fromstring(answer.content).find(".//{*}INFO[@name='QUERY_STATUS']")
    assert info is not None
    assert info.get("value") == "ERROR"
    return str(info.text)


def completed(job: str) -> httpx.Response:
    wait_until(
        lambda: httpx.get(f"{job}/phase", timeout=60).text not in ("QUEUED", "EXECUTING"),
        seconds=120,
        what="the job ended",
    )
    return httpx.get(f"{job}/results/result", timeout=60)


def test_a_client_with_many_long_jobs_does_not_stop_another(server: Server) -> None:
    jobs = []
    for _ in range(25):
        answer = post(server, GREEDY, LONG, PHASE="RUN")
        if answer.status_code == 303:
            jobs.append(answer.headers["location"])
    assert len(jobs) == 20
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert "20 jobs of yours, the maximum for one client; delete jobs" in error_of(answer)
    made = post(server, OTHER, SHORT, PHASE="RUN")
    assert completed(made.headers["location"]).text.split() == ["n", "8754"]
    assert post(server, OTHER, SHORT, "sync").text.split() == ["n", "8754"]
    # An address of the same network of 64 bits is the same client.
    same = post(server, "2001:db8:1:2:ffff::9", SHORT)
    for job in [*jobs, made.headers["location"], same.headers["location"]]:
        assert httpx.delete(job, timeout=60).status_code == 303


def test_what_a_clients_jobs_keep_is_limited_with_figures(server: Server) -> None:
    query = "SELECT TOP 4000 * FROM ant20_01.main"
    jobs = [post(server, GREEDY, query, PHASE="RUN").headers["location"] for _ in range(3)]
    answers = [completed(job) for job in jobs]
    assert [answer.status_code for answer in answers] == [200, 400, 400]
    for problem in answers[1:]:
        assert "0.3 MB is the maximum for one client; delete jobs" in error_of(problem)
    document = httpx.get(jobs[1], timeout=60).text
    assert "errorSummary" in document
    assert "0.3 MB is the maximum" in document
    httpx.delete(jobs[0], timeout=60)
    made = post(server, GREEDY, query, PHASE="RUN")
    assert completed(made.headers["location"]).status_code == 200
