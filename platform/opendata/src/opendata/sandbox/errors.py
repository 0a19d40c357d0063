"""Why a function in the sandbox gave no result; each message completes "FILE: ..."."""

from __future__ import annotations

from .limits import Limits, Measure


class SandboxError(Exception):
    """The function gave no result."""


class Rejected(SandboxError):
    """The function itself rejected the file; the message is its own."""


class TimedOut(SandboxError):
    """The function took more time or processor time than it may."""

    def __init__(self, measure: Measure, limits: Limits) -> None:
        used = "seconds" if measure == "time" else "seconds of processor time"
        allowed = limits.seconds if measure == "time" else limits.cpu
        super().__init__(f"reading it takes longer than {allowed:g} {used}, the limit here")


class OutOfMemory(SandboxError):
    """The function needed more memory than it may use."""

    def __init__(self, limits: Limits) -> None:
        allowed = f"{limits.memory / 2**30:.3g} GiB"
        super().__init__(f"reading it needs more than {allowed} of memory, the limit here")


class Crashed(SandboxError):
    """The process ended without an answer: most often, a library crashed on a damaged file."""

    def __init__(self) -> None:
        super().__init__("is damaged: reading it makes the reader crash")
