"""A process that dies without a word before its N-th change of the disk."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

__all__ = ["DIED", "DONE", "die_before"]

#: How the process ended: before the N-th change, or after all of them.
DIED, DONE = 77, 0

#: Every change of the disk goes through one of these.
_CHANGES = (
    *((os, name) for name in ("rename", "rmdir", "mkdir", "unlink", "truncate", "chown")),
    (subprocess, "run"),
    (shutil, "rmtree"),
)


def die_before(number: int, work: Callable[[], object]) -> int:
    """Do `work` in a process of its own, which dies before the change `number`; its end."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        left = [number]
        for module, name in _CHANGES:
            setattr(module, name, _counted(getattr(module, name), left))
        work()
    except BaseException as error:
        os.write(2, f"{error!r}\n".encode())
        os._exit(1)
    os._exit(DONE)


def _counted(action: Callable[..., Any], left: list[int]) -> Callable[..., Any]:
    def counted(*args: Any, **options: Any) -> Any:
        if left[0] == 0:
            os._exit(DIED)
        left[0] -= 1
        return action(*args, **options)

    return counted
