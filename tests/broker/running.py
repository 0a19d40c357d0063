"""A broker on a socket of its own, and raw requests to it."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from km3broker.broker import Broker, routes
from km3broker.engine import Engine
from km3broker.owner import Project
from km3broker.rules_file import RulesFile
from km3settings.names import Names

PROJECT = "km3broker-test"
NAMES = Names(PROJECT)


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes

    @property
    def message(self) -> str:
        return str(json.loads(self.body)["message"])


@dataclass(frozen=True)
class Socket:
    """A socket with a broker or an engine behind it."""

    path: Path

    def raw(self, data: bytes, *, finish: bool = False, first_only: bool = False) -> bytes:
        """Everything that comes back, or what comes first, of a stream that does not end.

        With `finish` nothing more can follow what is sent.
        """
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(60)
            client.connect(str(self.path))
            client.sendall(data)
            if finish:
                client.shutdown(socket.SHUT_WR)
            found = client.recv(65536) if first_only else b""
            if found.split()[1:2] in ([b"101"], [b"200"]):
                return found
            # The end of a connection whose request was not read to its end is a reset.
            with suppress(ConnectionResetError):
                while chunk := client.recv(65536):
                    found += chunk
        return found

    def ask(self, method: str, target: str, body: Any = None, *, headers: str = "") -> Reply:
        content = body if isinstance(body, bytes) else b"" if body is None else _json(body)
        head = f"{method} {target} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n"
        if content:
            head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        answer = self.raw(head.encode() + headers.encode() + b"\r\n" + content)
        top, _, rest = answer.partition(b"\r\n\r\n")
        status = int(top.split()[1])
        if b"transfer-encoding: chunked" in top.lower():
            rest = _joined(rest)
        return Reply(status, rest)


def _json(body: Any) -> bytes:
    return json.dumps(body).encode()


def _joined(chunked: bytes) -> bytes:
    found = b""
    while chunked:
        size, _, chunked = chunked.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            break
        found, chunked = found + chunked[:length], chunked[length + 2 :]
    return found


@contextmanager
def running(
    folder: Path, engine: Path, settings: str = "", *, project: str = PROJECT
) -> Iterator[Socket]:
    """A broker before `engine`; its platform.yaml is in `folder`."""
    file = folder / "platform.yaml"
    file.write_text(settings)
    names = Names(project)
    found = routes(Engine(engine), Project(names), RulesFile(file, names))
    path = folder / "broker.sock"
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(Broker(path, found).listen())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield Socket(path)
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
