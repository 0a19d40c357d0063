"""Half-open requests at a real uvicorn: they end, and slow but honest clients do not notice."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn

from opendata.slow_clients import TimelyProtocol
from tests.ports import free_ports
from tests.waiting import wait_until

SECONDS = 2.0
#: More than the system's buffers of a connection take.
PIECE, PIECES = bytes(1 << 20), 32


class Quick(TimelyProtocol):
    seconds = SECONDS
    body_bytes = 100


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Reads the body and answers its length; `/slow` takes its time first."""
    import asyncio

    if scope["path"] == "/slow":
        await asyncio.sleep(3 * SECONDS)
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/pieces":
        for _ in range(PIECES):
            await send({"type": "http.response.body", "body": PIECE, "more_body": True})
    body = PIECE * PIECES if scope["path"] == "/whole" else str(size).encode()
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def server() -> Iterator[uvicorn.Server]:
    port = free_ports(1)
    config = uvicorn.Config(
        application, port=port, http=Quick, lifespan="off", log_config=None, timeout_keep_alive=30
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, seconds=30, what="the server listens")
    yield server
    server.should_exit = True
    thread.join(20)


@pytest.fixture
def port(server: uvicorn.Server) -> int:
    return server.config.port


def answer(port: int, begin: bytes, drip: bytes = b"") -> bytes:
    """Send the beginning of a request, then a drop at a time; return what comes before the end."""
    received = b""
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(begin)
        client.settimeout(0.2)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                if drip:
                    client.sendall(drip)
                piece = client.recv(4096)
            except TimeoutError:
                continue
            except OSError:
                return received
            if not piece:
                return received
            received += piece
    raise AssertionError(f"still open; received {received!r}")


HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    ("begin", "drip"),
    [
        (b"", b""),
        (b"GET / HT", b""),
        (HEAD, b""),
        (HEAD, b"X-More: 1\r\n"),
        (HEAD + b"Content-Length: 100000\r\n\r\nabc", b""),
        (HEAD + b"Content-Length: 100000\r\n\r\nabc", b"x"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"GET /first HTTP/1.1\r\nHost: x\r\n\r\nGET /second HTTP/1.1\r\n", b""),
    ],
)
def test_a_request_that_never_ends_is_ended(port: int, begin: bytes, drip: bytes) -> None:
    received = answer(port, begin, drip)
    assert not received or b"408 Request Timeout" in received


def test_a_slow_upload_that_moves_on_arrives(port: int) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(8):
            yield b"x" * 100
            time.sleep(0.5)  # the pace of the client; longer in all than a silence may last

    done = httpx.post(f"http://127.0.0.1:{port}/", content=pieces(), timeout=60, trust_env=False)
    assert done.text == "800"


def test_an_answer_may_take_as_long_as_it_takes(port: int) -> None:
    done = httpx.get(f"http://127.0.0.1:{port}/slow", timeout=60, trust_env=False)
    assert done.text == "0"


def test_several_requests_of_one_connection_are_answered(port: int) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        for _ in range(3):
            assert client.post("/", content=b"abc").text == "3"


@pytest.mark.parametrize("path", ["/pieces", "/whole"])
@pytest.mark.parametrize("more", ["", "Connection: close\r\n"])
def test_a_client_that_does_not_read_its_answer_is_let_go(
    server: uvicorn.Server, path: str, more: str
) -> None:
    transports = server.server_state.connections
    wait_until(lambda: not transports, seconds=60, what="earlier tests have ended")
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", server.config.port))
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n{more}\r\n".encode())
        wait_until(lambda: transports, seconds=30, what="the server has the connection")
        wait_until(lambda: not transports, seconds=60, what="the server has let it go")


@pytest.mark.parametrize("path", ["/pieces", "/whole"])
def test_a_client_that_reads_slowly_gets_its_whole_answer(
    server: uvicorn.Server, path: str
) -> None:
    received = 0
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        client.connect(("127.0.0.1", server.config.port))
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        began = time.monotonic()
        while piece := client.recv(1 << 16):
            received += len(piece)
            # The pace of the client; longer in all than a silence may last.
            if time.monotonic() - began < 3 * SECONDS:
                time.sleep(0.2)
    assert received > PIECES * len(PIECE)
