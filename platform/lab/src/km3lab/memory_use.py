"""The memory that this server and its kernels use."""

from __future__ import annotations

import contextlib

import psutil

from km3lab.memory import ControlGroup

__all__ = ["memory_use"]


def memory_use(group: ControlGroup | None) -> tuple[int, int | None]:
    """Returns the bytes in use and their limit; None: there is no limit.

    Parameters
    ----------
    group
        The control group that limits this server. Without one, the resident memory of the server
        and everything that it started is added up.
    """
    if group is not None:
        return group.used(), group.limit
    own = psutil.Process()
    total = 0
    for process in (own, *own.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    return total, None
