"""The one way to run code on a file from a stranger: in a process of its own, with limits.

The C libraries behind some formats crash or corrupt memory on damaged files, and a small file can
ask for all memory or for hours. A portal must survive any upload, so a function that reads one is
run by :func:`run`, never in the server's own process.
"""

from __future__ import annotations

from .errors import Crashed, OutOfMemory, Rejected, SandboxError, TimedOut
from .limits import Limits
from .runner import run

__all__ = ["Crashed", "Limits", "OutOfMemory", "Rejected", "SandboxError", "TimedOut", "run"]
