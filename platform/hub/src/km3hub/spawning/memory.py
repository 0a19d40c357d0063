"""Whether the machine has memory for one more server."""

from __future__ import annotations

import psutil

__all__ = ["NEEDED", "room_for"]

#: Bytes that one starting server may need: JupyterLab's server and the first kernel with the usual
#: imports (measured: 110-130 MB and 150-300 MB).
NEEDED = 512 << 20


def room_for(starting: int) -> bool:
    """Returns whether there is memory for one more start beside `starting` others.

    A container of the hub sees the memory of the whole machine, because Linux does not divide
    `/proc/meminfo`. What swap offers does not count.
    """
    return bool(psutil.virtual_memory().available >= NEEDED * (starting + 1))
