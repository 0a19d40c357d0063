"""Requests to the sockets of a machine: that of its engine, and that of the hub's container."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any

from deploy.tests.containers import Machine

#: Of the machines' engine, and known by the broker.
VERSION = "/v1.41"
#: Reads a request from standard input and writes the answer as JSON; the standard library only.
_ASK = """
import http.client, json, socket, sys
asked = json.load(sys.stdin)
connection = http.client.HTTPConnection("docker", timeout=60)
connection.sock = socket.socket(socket.AF_UNIX)
connection.sock.settimeout(60)
connection.sock.connect(asked["socket"])
body = None if asked["body"] is None else json.dumps(asked["body"])
headers = {"Connection": "close"} | ({"Content-Type": "application/json"} if body else {})
connection.request(asked["method"], asked["path"], body, headers)
answer = connection.getresponse()
print(json.dumps([answer.status, answer.read(1 << 20).decode(errors="replace")]))
"""


@dataclass(frozen=True)
class Reply:
    """The answer of an engine or a broker."""

    status: int
    text: str

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status < 300

    def data(self) -> Any:
        """Returns the body, which is JSON."""
        return json.loads(self.text)


@dataclass(frozen=True)
class Socket:
    """A socket on a machine.

    Parameters
    ----------
    machine
        Where it is.
    path
        The socket's path, in `container` where one is given.
    container
        The container that has the socket; empty: the machine itself.
    """

    machine: Machine
    path: str
    container: str = ""

    def ask(self, method: str, path: str, body: Any = None) -> Reply:
        """Send one request, as root of the machine or as the user of the container."""
        inside = ["docker", "exec", "-i", self.container] if self.container else []
        asked = {"socket": self.path, "method": method, "path": VERSION + path, "body": body}
        done = subprocess.run(
            ["docker", "exec", "-i", self.machine.name, *inside, "python3", "-c", _ASK],
            input=json.dumps(asked), capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, f"{method} {path}: {done.stderr}"
        status, text = json.loads(done.stdout)
        return Reply(status, text)
