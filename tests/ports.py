"""Free ports, for platforms and servers that are started side by side."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack

__all__ = ["free_ports"]

#: Below the ports that the kernel hands out by itself, so that nothing else takes them meanwhile.
FIRST, LAST = 18100, 32000


def free_ports(count: int) -> int:
    """The first of `count` ports in a row that nothing uses, somewhere by chance."""
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
