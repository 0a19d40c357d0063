"""The notebook for a record: what is in it, what it leaves alone, and what it does not believe."""

from __future__ import annotations

import ast
import json
import threading
from collections.abc import Iterator
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from km3lab.record import RecordError, notebook, provide
from tests.lab.conftest import StartLab

#: As the portal answers `/api/v1/records/ana20_01_acc/`, as far as it is used.
RECORD: dict[str, Any] = {
    "identifier": "ana20_01_acc",
    "kind": "resource",
    "current": {
        "title": "Detector acceptance",
        "description": "By declination and spectral index.",
        "ktype": "km3.data.l4.lookup",
        "files": [{"name": "acceptance.json"}],
        "service": {},
    },
}


def cells(record: dict[str, Any], portal: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(notebook(record, portal))["cells"]
    return found


def current(**changes: object) -> dict[str, Any]:
    return RECORD | {"current": RECORD["current"] | changes}


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (RECORD, "data.get_dataframe()"),
        (current(ktype="km3.data.l4.function.polynomial"), "data.evaluate(20)"),
        (current(ktype="km3.env.acoustic.wav"), "Audio(filename=str(data.path))"),
        (current(ktype="km3.resource.service.scs", service={"table": "a.b"}), "get_dataframe"),
        (RECORD | {"kind": "collection"}, 'store.list("ana20_01_acc")'),
        (current(ktype="km3.resource.paper", files=[]), 'store.get("ana20_01_acc")'),
    ],
)
def test_its_code_fits_the_content(record: dict[str, Any], words: str) -> None:
    code = "\n".join(c["source"] for c in cells(record) if c["cell_type"] == "code")
    ast.parse(code)
    assert words in code
    assert not any(c.get("outputs") for c in cells(record))


def test_a_curators_words_are_shown_and_never_run() -> None:
    evil = "](javascript:x) <img src=x onerror=alert(1)> `x` $y$\n\n# heading"
    first, *code = cells(current(title=evil, description=evil), "https://opendata.example.org")
    text = first["source"]
    assert "\\<img" in text
    assert "\\]\\(javascript" in text
    assert "\\# heading" in text
    assert evil not in "".join(c["source"] for c in code)
    assert "(https://opendata.example.org/records/ana20_01_acc/)" in text


@pytest.mark.parametrize("name", ['x"); import os #', "../x", "", "x" * 201, 7, None, "a\n"])
def test_an_identifier_that_is_none_is_refused(name: object) -> None:
    with pytest.raises(RecordError, match="identifier"):
        notebook(RECORD | {"identifier": name})


@pytest.mark.parametrize("answer", [{}, [], {"identifier": "a"}, RECORD | {"current": None}])
def test_an_answer_that_is_not_a_record_is_refused(answer: Any) -> None:
    with pytest.raises(RecordError, match="not send a valid record"):
        notebook(answer)


def test_a_notebook_that_is_there_stays_as_it_is(home: Path) -> None:
    path = provide(home, "ana20_01_acc", b"first")
    assert path == "open-data/ana20_01_acc.ipynb"
    (home / path).write_bytes(b"mine")
    assert provide(home, "ana20_01_acc", b"second") == path
    assert (home / path).read_bytes() == b"mine"


def test_it_is_never_written_through_a_link(home: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (home / "open-data").symlink_to(elsewhere)
    with pytest.raises(RecordError, match="rename it"):
        provide(home, "ana20_01_acc", b"x")
    (home / "open-data").unlink()
    (home / "open-data").mkdir()
    (home / "open-data" / "ana20_01_acc.ipynb").symlink_to(tmp_path / "target")
    with pytest.raises(RecordError, match="is not a file"):
        provide(home, "ana20_01_acc", b"x")
    assert not any(elsewhere.iterdir())
    assert not (tmp_path / "target").exists()


def test_a_colon_in_an_identifier_names_no_drive(home: Path) -> None:
    assert provide(home, "km3:a+b", b"x") == "open-data/km3-a-b.ipynb"


@pytest.fixture
def strange_portal() -> Iterator[str]:
    """A portal whose answers are wrong, each in its own way."""
    answers = {
        "/api/v1/records/html/": (200, b"<html>"),
        "/api/v1/records/other/": (200, json.dumps(RECORD | {"identifier": "../x"}).encode()),
        "/api/v1/records/broken/": (500, b""),
        "/api/v1/records/list/": (200, b"[]"),
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.get(self.path, (404, b""))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_failures_are_sentences_and_leave_no_file(
    start_lab: StartLab, home: Path, strange_portal: str
) -> None:
    server = start_lab(home, OPENKM3_SERVER=strange_portal)
    said = {
        "html": "not send a valid record",
        "other": "without a valid identifier",
        "list": "not send a valid record",
        "broken": "is not responding",
        "unknown": "has no record unknown",
    }
    for name, words in said.items():
        answer = server.client.get(f"/km3/records/{name}")
        assert answer.status_code == httpx.codes.NOT_FOUND
        assert words in unescape(answer.text), name
    assert not (home / "open-data").exists()


def test_without_a_login_nothing_is_made(
    start_lab: StartLab, home: Path, strange_portal: str
) -> None:
    server = start_lab(home, OPENKM3_SERVER=strange_portal)
    answer = httpx.get(f"{server.url}km3/records/html", follow_redirects=False, timeout=60)
    assert answer.status_code == httpx.codes.FOUND
    assert "/login" in answer.headers["Location"]


def test_a_server_without_a_portal_says_so(start_lab: StartLab, home: Path) -> None:
    answer = start_lab(home).client.get("/km3/records/ana20_01_acc")
    assert answer.status_code == httpx.codes.NOT_FOUND
    assert "has no Open Data Center" in answer.text
