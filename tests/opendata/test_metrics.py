"""What the portal tells those who run it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from .prepared import MIGRATE, SEED, prepared
from .running import Server, run, serve


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    variables = prepared(tmp_path_factory.mktemp("metrics"), MIGRATE, SEED)
    with serve(variables) as server:
        yield server


def _numbers(text: str) -> dict[str, float]:
    rows = (line.rsplit(" ", 1) for line in text.splitlines())
    return {name: float(value) for name, value in rows}


def test_numbers_follow_what_happens(server: Server) -> None:
    before = _numbers(server.get("/metrics").text)
    assert before["opendata_records"] > 5
    assert before["opendata_vo_tables"] > 1
    assert not [name for name in before if name.startswith("opendata_tap_jobs")]
    query = {"LANG": "ADQL", "QUERY": "SELECT COUNT(*) AS n FROM tap_schema.tables"}
    answer = httpx.post(f"{server.url}/vo/tap/async", data=query, timeout=60)
    assert answer.status_code == 303, answer.text
    after = server.get("/metrics")
    assert after.headers["Content-Type"] == "text/plain; version=0.0.4"
    assert _numbers(after.text)['opendata_tap_jobs{phase="PENDING"}'] == 1
    for line in after.text.splitlines():
        assert re.fullmatch(r'opendata_\w+(\{\w+="\w+"\})? [\d.]+', line)


def test_health_says_that_the_tables_cannot_be_read(server: Server) -> None:
    (description, *_) = sorted(Path(server.variables["OPENDATA_STATE"]).glob("vo/*.json"))
    assert server.get("/health").text == "ok\n"
    whole = description.read_text()
    for content in ("{", "[]", "\x00"):
        description.write_text(content)
        broken = server.get("/health")
        assert broken.status_code == 503
        assert broken.text == "the VO services cannot read their tables\n"
    description.write_text(whole)
    assert server.get("/health").text == "ok\n"


def test_health_waits_for_a_database_that_is_as_new_as_the_code(server: Server) -> None:
    run(server.variables, "django", "migrate", "searching", "zero")
    behind = server.get("/health")
    assert behind.status_code == 503
    assert behind.text == "the database is not up to date; run opendata migrate\n"
    run(server.variables, "migrate")
    assert server.get("/health").text == "ok\n"
    assert server.get("/search?q=neutrinos").status_code == 200
