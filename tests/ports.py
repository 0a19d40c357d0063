"""Free ports for platforms and servers that run side by side."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack

__all__ = ["free_ports"]

#: Below the ephemeral ports of the kernel, so that no other program gets one in the meantime.
FIRST, LAST = 18100, 32000


def free_ports(count: int) -> int:
    """Return the first of `count` consecutive unused ports, at a random place."""
    for _ in range(1000):
        first = random.randrange(FIRST, LAST, 10)  # noqa: S311
        with ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    probe = stack.enter_context(socket.socket())
                    probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise RuntimeError(f"no {count} free ports in a row from {FIRST} to {LAST}")
