"""HTTP that is ambiguous, endless, too large, or wants to become something else."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

import km3broker.wire
from tests.broker.objects import SERVER, create_body
from tests.broker.recording import Recording
from tests.broker.running import Socket, running

START = f"/v1.41/containers/{SERVER}/start"
PING = b"GET /v1.41/_ping HTTP/1.1\r\nHost: d\r\n\r\n"
#: What an attacker would hide behind an allowed request.
HIDDEN = b"POST /v1.41/containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n"


def post(*headers: str, body: bytes = b"", version: str = "HTTP/1.1") -> bytes:
    lines = [f"POST {START} {version}", "Host: d", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


CHUNKED = b"0\r\n\r\n"
ODD = {
    "chunked": post("Transfer-Encoding: chunked", body=CHUNKED),
    "chunked and a length": post(
        "Content-Length: 5", "Transfer-Encoding: chunked", body=CHUNKED + HIDDEN
    ),
    "chunked in another spelling": post("Transfer-Encoding: xchunked", body=CHUNKED),
    "chunked behind a tab": post("Transfer-Encoding:\tchunked", body=CHUNKED),
    "two lengths": post("Content-Length: 0", f"Content-Length: {len(HIDDEN)}", body=HIDDEN),
    "list of lengths": post("Content-Length: 0, 5", body=b"12345"),
    "length with a sign": post("Content-Length: +5", body=b"12345"),
    "length with an underscore": post("Content-Length: 1_0", body=b"1234567890"),
    "negative length": post("Content-Length: -1"),
    "hexadecimal length": post("Content-Length: 0x5", body=b"12345"),
    "enormous length": post("Content-Length: 99999999999999999999"),
    "length before the colon": post("Content-Length : 5", body=b"12345"),
    "upgrade": post("Connection: Upgrade", "Upgrade: tcp"),
    "upgrade to HTTP/2": post("Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
    "connection of another kind": post("Connection: keep-alive, Upgrade"),
    "expect": post("Expect: 100-continue", "Content-Length: 5", body=b"12345"),
    "trailer": post("Trailer: X"),
    "compressed": post("Content-Encoding: gzip", "Content-Length: 2", body=b"{}"),
    "form": post(
        "Content-Type: application/x-www-form-urlencoded", "Content-Length: 2", body=b"{}"
    ),
    "two hosts": post("Host: e"),
    "second request": PING + HIDDEN,
    "second request after a body": post("Content-Length: 2", body=b"{}" + HIDDEN),
    "HTTP/1.0": post(version="HTTP/1.0"),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "NUL in a header": post("X: a\0b"),
    "line break in a header": post("X: a\rTransfer-Encoding: chunked"),
    "no host": f"POST {START} HTTP/1.1\r\n\r\n".encode(),
    "space in the target": f"POST {START} x HTTP/1.1\r\nHost: d\r\n\r\n".encode(),
    "TLS": bytes.fromhex("1603010200010001fc0303") + b"a" * 600,
    "long head": b"GET /v1.41/_ping HTTP/1.1\r\nHost: d\r\nX: " + b"a" * 40_000 + b"\r\n\r\n",
    "many headers": b"GET /_ping HTTP/1.1\r\nHost: d\r\n" + b"a: b\r\n" * 6_000 + b"\r\n",
    "long target": b"GET /v1.41/containers/" + b"a" * 40_000 + b"/json HTTP/1.1\r\nHost: d\r\n\r\n",
}


@pytest.mark.parametrize("data", ODD.values(), ids=ODD)
def test_odd_request_is_refused_and_the_connection_closed(
    broker: Socket, engine: Recording, data: bytes
) -> None:
    answer = broker.raw(data)
    assert 400 <= int(answer.split()[1]) < 600, answer
    assert answer.count(b"Connection: close") == 1
    assert not engine.asked


def test_refusal_is_one_of_the_engines_errors(broker: Socket) -> None:
    answer = broker.raw(ODD["chunked"])
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head.lower()
    assert json.loads(body) == {
        "message": "The broker refused a request: the header transfer-encoding is not allowed."
    }


def test_body_of_a_start_is_refused(broker: Socket, engine: Recording) -> None:
    # Engines before 1.24 took a new HostConfig here.
    reply = broker.ask("POST", START, {"HostConfig": {"Privileged": True}})
    assert reply.status == 403
    assert not engine.changes


def test_large_body_is_refused_before_it_is_sent(broker: Socket, engine: Recording) -> None:
    head = f"POST /v1.41/containers/create?name={SERVER} HTTP/1.1\r\nHost: d\r\n"
    answer = broker.raw(f"{head}Content-Length: {10**9}\r\n\r\n".encode())
    assert answer.split()[1] == b"413"
    assert not engine.asked


def test_slow_request_ends(
    tmp_path: Path, engine: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(km3broker.wire, "READ_SECONDS", 0.2)
    with running(tmp_path, engine.path) as broker:
        for part in (b"", b"GET /_ping HTTP/1.1\r\n", post("Content-Length: 5", body=b"123")):
            assert broker.raw(part).split()[1] == b"408"
    assert not engine.asked


def test_client_that_leaves_does_no_harm(broker: Socket, engine: Recording) -> None:
    assert broker.raw(b"", finish=True) == b""
    broker.raw(post("Content-Length: 5", body=b"123"), finish=True)
    assert not engine.asked
    assert broker.ask("GET", "/_ping").status == 200


def test_socket_is_for_its_owner_only(broker: Socket) -> None:
    found = os.stat(broker.path)
    assert stat.S_ISSOCK(found.st_mode)
    assert stat.S_IMODE(found.st_mode) == 0o600


def test_engine_that_is_away_is_named(tmp_path: Path) -> None:
    with running(tmp_path, tmp_path / "none.sock") as broker:
        reply = broker.ask("GET", "/v1.41/_ping")
    assert reply.status == 502
    assert "the Docker Engine is not responding" in reply.message


def test_secrets_of_a_refused_body_are_in_neither_answer_nor_log(
    broker: Socket, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Wherever the log goes: programs tested before in this process may have chosen a place."""
    body = create_body()
    body["HostConfig"]["Privileged"] = True
    reply = broker.ask("POST", f"/v1.41/containers/create?name={SERVER}", body)
    assert reply.message == (
        "The broker refused POST /containers/create: HostConfig.Privileged is not allowed."
    )
    printed = capfd.readouterr()
    log = printed.out + printed.err + caplog.text
    assert "HostConfig.Privileged" in log
    assert "secret-of-ada" not in log + reply.message
