"""What is run inside a user's kernel to see how far it reaches."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from typing import Any

from tests.e2e.ports import printing_open_ports
from tests.e2e.servers import Kernel

_CONNECT = """
import concurrent.futures, json, socket
def _connect(target):
    try:
        socket.create_connection(tuple(target), timeout={timeout}).close()
        return "open"
    except ConnectionRefusedError:
        return "refused"
    except socket.gaierror:
        return "unknown name"
    except OSError as error:
        return type(error).__name__
with concurrent.futures.ThreadPoolExecutor(64) as pool:
    print(json.dumps(list(pool.map(_connect, {targets}))))
"""

_GET = """
import json, os, urllib.error, urllib.request
_token = "token " + os.environ["JUPYTERHUB_API_TOKEN"]
_headers = {{"Authorization": _token}} if {token} else {{}}
def _get(address):
    request = urllib.request.Request(address, headers=_headers)
    try:
        return urllib.request.urlopen(request, timeout=10).status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        return str(error)
print(json.dumps([_get(a) for a in {addresses}]))
"""


def connect(kernel: Kernel, *targets: tuple[str, int], timeout: float = 3) -> list[str]:
    """For each (host, port): `open`, `refused`, `unknown name`, or the name of another error."""
    code = _CONNECT.format(targets=json.dumps([list(t) for t in targets]), timeout=timeout)
    found: list[str] = json.loads(kernel.run(code))
    return found


def open_ports(kernel: Kernel, host: str) -> list[int]:
    """Every TCP port of a host that accepts connections."""
    found: list[int] = json.loads(kernel.run(printing_open_ports(host), timeout=240))
    return found


def get(kernel: Kernel, *addresses: str, token: bool = True) -> list[Any]:
    """For each address the HTTP status, or what went wrong; with the server's own token."""
    found: list[Any] = json.loads(kernel.run(_GET.format(addresses=list(addresses), token=token)))
    return found


@dataclass
class Listener:
    """A service of the host, bound to all of its addresses, as people leave them running."""

    socket: socket.socket

    @classmethod
    def open(cls) -> Listener:
        return cls(socket.create_server(("0.0.0.0", 0), backlog=64))

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    def close(self) -> None:
        self.socket.close()
