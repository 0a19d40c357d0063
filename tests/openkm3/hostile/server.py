"""A server that does what a test says; both servers of each test are real."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

pytest.importorskip("httpx", reason="needs httpx: run it in the science environment")
pytest.importorskip("astropy", reason="needs astropy: run it in the science environment")


Answer = Callable[[BaseHTTPRequestHandler], None]


class Hostile:
    """A server whose answers a test chooses."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.requests: list[str] = []
        hostile = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                hostile.requests.append(path)
                answer = hostile.answers.get(path) or hostile.answers.get("*")
                if answer is None:
                    self.send_error(404)
                else:
                    answer(self)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None:
                """Requests are in the list."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """Clients hang up, as they should."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def publish(self, **entry: Any) -> None:
        """Serve a catalogue with one entry."""
        described = {
            "identifier": "x20_01",
            "title": "x",
            "kind": "resource",
            "ktype": "km3.env.acoustic.raw",
        } | entry
        content = {"format": "openkm3-catalogue", "version": "1.0", "entries": [described]}
        self.answers["/catalog.json"] = send(json.dumps(content).encode())


def send(content: bytes, status: int = 200, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content_Length": str(len(content)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def redirect(target: str, status: int = 302) -> Answer:
    return send(b"", status, Location=target)


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b" " * 65536)


@contextmanager
def running() -> Iterator[Hostile]:
    hostile = Hostile()
    thread = Thread(target=hostile.server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hostile
    finally:
        hostile.server.shutdown()
        hostile.server.server_close()
        thread.join()


def places(inside: Hostile) -> list[str]:
    return [
        f"{inside.url}/secret",
        f"//127.0.0.1:{inside.port}/secret",
        f"http://localhost:{inside.port}/secret",
        f"http://user@127.0.0.1:{inside.port}/secret",
    ]
