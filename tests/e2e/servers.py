"""A user's server and its kernels, used through hub and proxy like a browser does."""

from __future__ import annotations

import json
import socket
import struct
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from websockets.sync.client import connect

from tests.e2e.platforms import Person
from tests.waiting import wait_until


class CellError(AssertionError):
    """A cell raised an exception."""


@dataclass
class Kernel:
    """A kernel of a user's server."""

    person: Person
    id: str

    def run(self, code: str, timeout: float = 120) -> str:
        """Run a cell and return what it printed."""
        address = self.person.address.replace("http", "ws", 1)
        url = f"{address}/user/{self.person.name}/api/kernels/{self.id}/channels"
        headers = {"Authorization": f"token {self.person.token}"}
        # Only `timeout` limits the call: a late answer to a ping must not close the connection.
        with connect(
            url,
            sock=_plain(address),
            additional_headers=headers,
            max_size=None,
            open_timeout=60,
            ping_timeout=None,
        ) as channel:
            request = _execute_request(code)
            channel.send(json.dumps(request))
            return _output(channel, request["header"]["msg_id"], time.monotonic() + timeout)


def _plain(address: str) -> socket.socket:
    """Return a connection with a timeout for reading.

    The client has no timeout for the handshake, and closing it does not wake the reader: without an
    answer it would wait forever.
    """
    parts = urlsplit(address)
    port = parts.port or {"ws": 80, "wss": 443}[parts.scheme]
    plain = socket.create_connection((parts.hostname, port), timeout=30)
    plain.settimeout(None)
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 60, 0))
    return plain


def _execute_request(code: str) -> dict[str, Any]:
    header = {
        "msg_id": uuid.uuid4().hex,
        "username": "",
        "session": uuid.uuid4().hex,
        "msg_type": "execute_request",
        "version": "5.3",
    }
    content = {
        "code": code,
        "silent": False,
        "store_history": False,
        "user_expressions": {},
        "allow_stdin": False,
        "stop_on_error": True,
    }
    empty: dict[str, Any] = {}
    return {
        "header": header,
        "parent_header": empty,
        "metadata": empty,
        "content": content,
        "channel": "shell",
        "buffers": [],
    }


def _output(channel: Any, message_id: str, deadline: float) -> str:
    # The reply and the idle state arrive on different channels, in either order, with output in
    # between.
    text, replied, idle = "", False, False
    while not (replied and idle):
        message = json.loads(channel.recv(timeout=max(0.1, deadline - time.monotonic())))
        if message["parent_header"].get("msg_id") != message_id:
            continue
        kind, content = message["msg_type"], message["content"]
        if kind == "stream":
            text += content["text"]
        elif kind == "error":
            raise CellError("\n".join(content["traceback"]))
        elif kind == "execute_reply":
            replied = True
        elif kind == "status":
            idle = content["execution_state"] == "idle"
    return text


def start_server(person: Person, choice: Mapping[str, str] | None = None) -> None:
    """Start the user's server and wait until it is ready.

    After a restart the hub first checks the servers that it knows; until then it answers that the
    server is pending.
    """
    with person.client() as client:
        answer = wait_until(
            lambda: requested(client, person, choice or {}),
            seconds=120,
            what="the hub has checked the servers it remembers",
        )
        if "is already running" not in answer.text:
            assert answer.status_code in (201, 202), answer.text
            # Also after 201: the hub answers it after a failed start, while the next one runs.
            wait_until_ready(client, person)
        # If the proxy was restarted, it may learn only now where servers are.
        wait_until(
            lambda: client.get(f"/user/{person.name}/api/status").status_code == 200,
            seconds=120,
            what="the server can be reached",
        )


def requested(
    client: httpx.Client, person: Person, choice: Mapping[str, str]
) -> httpx.Response | None:
    """Ask the hub for a server; None while it still checks whether one runs."""
    answer = client.post(f"/hub/api/users/{person.name}/server", json=dict(choice))
    return None if "pending check" in answer.text else answer


def wait_until_ready(client: httpx.Client, person: Person) -> None:
    """Follow the hub's progress events to the end."""
    with client.stream("GET", f"/hub/api/users/{person.name}/server/progress") as events:
        for line in events.iter_lines():
            if not line.startswith("data:"):
                continue
            event = json.loads(line.removeprefix("data:"))
            assert not event.get("failed"), event
            if event.get("ready"):
                return
    raise AssertionError("the progress ended without a ready server")


def stop_server(person: Person) -> None:
    """Stop the user's server and wait until it is gone."""
    with person.client() as client:
        client.delete(f"/hub/api/users/{person.name}/server")
        wait_until(
            lambda: not client.get(f"/hub/api/users/{person.name}").json()["servers"],
            seconds=60,
            what="the server has stopped",
        )


def start_kernel(person: Person) -> Kernel:
    """Start a kernel in the user's server."""
    with person.client() as client:
        answer = client.post(f"/user/{person.name}/api/kernels", json={"name": "python3"})
        assert answer.status_code == 201, answer.text
        return Kernel(person, answer.json()["id"])


def run_notebook(kernel: Kernel, notebook: Path) -> str:
    """Run all cells of a notebook; return what the last one printed."""
    output = ""
    for cell in json.loads(notebook.read_text())["cells"]:
        if cell["cell_type"] == "code":
            output = kernel.run("".join(cell["source"]), timeout=300)
    return output
