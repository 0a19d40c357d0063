"""Whether the broker answers: the container's health check, every 30 seconds.

Only the standard library, because loading the settings' model would take longer than the question.
A missing engine does not make the broker unhealthy.
"""

from __future__ import annotations

import os
import socket
import sys

__all__ = ["SOCKET", "SOCKET_VARIABLE", "answers"]

#: The broker's own socket, on a volume that it shares with hub and keeper.
SOCKET = "/run/km3broker/docker.sock"
SOCKET_VARIABLE = "KM3_BROKER_SOCKET"
_SECONDS = 8.0
_REQUEST = b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n"


def answers(path: str) -> bool:
    """Returns whether a broker answers at the socket `path`, with any status."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(_SECONDS)
        try:
            client.connect(path)
            client.sendall(_REQUEST)
            return client.recv(64).startswith(b"HTTP/1.1 ")
        except OSError:
            return False


if __name__ == "__main__":
    sys.exit(0 if answers(os.environ.get(SOCKET_VARIABLE, SOCKET)) else 1)
