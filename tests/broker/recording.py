"""Answers like an engine with the objects that it is given, and keeps what it was asked.

For what a broker passes on; whether an engine would have obeyed is shown by `test_takeover.py`.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any

_VERSION = re.compile(r"^/v1\.\d+")


@dataclass
class Recording:
    """What an engine contains, and what it was asked.

    Parameters
    ----------
    objects
        For each path, such as `/containers/x/json`, what is there.
    """

    path: Path
    objects: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)

    @property
    def changes(self) -> list[tuple[str, str, Any]]:
        """All requests that change something."""
        return [one for one in self.asked if one[0] != "GET"]


@contextmanager
def recording(path: Path) -> Iterator[Recording]:
    found = Recording(path)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def answer(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            target = _VERSION.sub("", self.path)
            body = json.loads(content) if content else None
            found.asked.append((self.command, target, body))
            place = target.split("?")[0]
            if self.command == "GET":
                there = found.objects.get(place)
                if there is None:
                    self.reply(404, {"message": f"no {place}"})
                else:
                    self.reply(200, there)
            elif place.endswith("/create"):
                self.reply(201, {"Id": "c" * 64, "ID": "c" * 25, "Warnings": []})
            else:
                self.reply(204, None)

        def reply(self, status: int, body: Any) -> None:
            content = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            if status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = answer  # noqa: N815

    class Server(ThreadingUnixStreamServer):
        daemon_threads = True

    with Server(str(path), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield found
        server.shutdown()
        thread.join()
