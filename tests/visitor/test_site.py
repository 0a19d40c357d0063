"""Addresses, credentials and messages of a visit."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from km3visit.errors import CellError, LoginRefused, VisitError
from km3visit.login import log_in
from km3visit.notebook import code_cells
from km3visit.server import start_server
from km3visit.site import Person, Site, clean_address
from tests.loops import in_a_loop


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://hub.example.org", "https://hub.example.org"),
        ("https://hub.example.org/", "https://hub.example.org"),
        ("https://www.example.org/km3net/hub/", "https://www.example.org/km3net"),
        ("http://127.0.0.1:8000/hub", "http://127.0.0.1:8000"),
    ],
)
def test_the_address_that_people_copy_from_a_browser_is_understood(text: str, address: str) -> None:
    assert clean_address(text) == address


@pytest.mark.parametrize(
    "text",
    ["", "hub.org", "ftp://x", "http://", "http://[::1", "https://x:y", "https://x?y", "//x"],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"https://hub\.example\.org"):
        clean_address(text)


def test_names_cannot_leave_their_place_in_an_address() -> None:
    person = Person(Site("http://x"), "a/../b?c", "t")
    assert person.api == "/hub/api/users/a%2F..%2Fb%3Fc"
    assert person.server == "http://x/user/a%2F..%2Fb%3Fc"


def test_code_cells_leave_out_text_and_empty_cells() -> None:
    cells = [
        {"cell_type": "markdown", "source": "# x"},
        {"cell_type": "code", "source": ["a = 1\n", "a"]},
        {"cell_type": "code", "source": "  \n"},
        {"cell_type": "code", "source": "b"},
    ]
    assert list(code_cells({"cells": cells})) == ["a = 1\na", "b"]


def test_the_message_of_a_cell_is_its_exception() -> None:
    assert str(CellError("AssertionError", "3.1, not 2.9")) == "AssertionError: 3.1, not 2.9"
    assert str(CellError("KeyboardInterrupt", "")) == "KeyboardInterrupt"


class Odd(BaseHTTPRequestHandler):
    """Answers what is neither a hub nor polite."""

    answers: dict[str, tuple[int, bytes]] = {}  # noqa: RUF012

    def do_GET(self) -> None:
        status, body = self.answers.get(self.path, (404, b""))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def odd() -> Iterator[Site]:
    """A web server that is no hub."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield Site(f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    thread.join()
    server.server_close()


@in_a_loop
async def test_a_web_server_that_is_no_hub_refuses_the_login(odd: Site) -> None:
    with pytest.raises(LoginRefused, match="the account ada cannot log in"):
        await log_in(odd, "ada", "secret", note="test", lifetime=60)


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        ({"failed": True, "message": "Spawn failed: no room"}, "no room"),
        ({"progress": 5, "message": "still"}, "does not become ready"),
    ],
)
@in_a_loop
async def test_a_start_that_fails_says_why(
    odd: Site, event: dict[str, object], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {
        "/hub/api/users/ada/server": (202, b""),
        "/hub/api/users/ada/server/progress": (200, f"data: {json.dumps(event)}\n\n".encode()),
    }
    monkeypatch.setattr(Odd, "answers", answers)
    with pytest.raises(VisitError, match=sentence):
        await start_server(Person(odd, "ada", "t"), limit=30)


@in_a_loop
async def test_a_refused_start_has_the_hubs_sentence(
    odd: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = json.dumps({"message": "The account has expired."}).encode()
    monkeypatch.setattr(Odd, "answers", {"/hub/api/users/ada/server": (403, body)})
    with pytest.raises(VisitError, match=r"403 The account has expired\."):
        await start_server(Person(odd, "ada", "t"), limit=30)


@in_a_loop
async def test_a_hub_that_never_answers_is_given_up() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(VisitError, match="not ready after 1 s"):
        await start_server(Person(Site(f"http://127.0.0.1:{port}"), "ada", "t"), limit=1)
    server.close()
