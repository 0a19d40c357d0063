"""Starts the sandbox's process, waits for it, and says why there is no result."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from .errors import Crashed, OutOfMemory, Rejected, TimedOut
from .limits import Limits

log = logging.getLogger(__name__)

#: Beginnings of the variables that Python and its libraries need; those with secrets stay out.
_ENVIRONMENT = (
    "HOME", "LANG", "LC_", "LD_LIBRARY_PATH", "PATH", "PYTHON", "SYSTEMROOT", "TEMP", "TMP", "TZ",
    "USERPROFILE", "XDG_",
)  # fmt: skip


def run(
    function: str, *arguments: str | int | float, limits: Limits, preload: Sequence[str] = ()
) -> Any:
    """Run a function in a process of its own, and return its result.

    Parameters
    ----------
    function : str
        Such as ``opendata.describing:describe_json``: a function of a module, whose result is
        JSON. It raises :exc:`Rejected` to say why it cannot read a file.
    *arguments
        Its arguments.
    limits : Limits
        What it may use.
    preload : sequence of str
        Modules that it imports while it runs; what loading them takes is not counted.

    Raises
    ------
    Rejected
        The function rejected the file.
    TimedOut, OutOfMemory
        It reached a limit.
    Crashed
        Its process ended without an answer; the log has the reason.
    """
    request = {
        "function": function,
        "arguments": arguments,
        "limits": asdict(limits),
        "preload": list(preload),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "opendata.sandbox.process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={key: value for key, value in os.environ.items() if key.startswith(_ENVIRONMENT)},
        start_new_session=True,
    ) as process:
        try:
            output, errors = process.communicate(
                json.dumps(request).encode(), timeout=limits.seconds
            )
        except subprocess.TimeoutExpired:
            raise TimedOut("time", limits) from None
        finally:
            _end(process)
    with suppress(ValueError):  # a library may end the process without an answer, or cut it short
        if process.returncode == 0:
            return _result(json.loads(output), limits)
    log.warning("%s%r: %s", function, arguments, _reason(process.returncode, errors))
    if process.returncode == -_SIGXCPU:
        raise TimedOut("cpu", limits)
    raise Crashed


_SIGXCPU = getattr(signal, "SIGXCPU", 0)


def _result(answer: dict[str, Any], limits: Limits) -> Any:
    if "rejected" in answer:
        raise Rejected(answer["rejected"])
    if "memory" in answer:
        raise OutOfMemory(limits)
    return answer["result"]


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the process if it still runs, with all that it started."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError, AttributeError):  # Windows has no process groups
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def _reason(code: int, errors: bytes) -> str:
    lines = errors.decode("utf-8", "replace").strip().splitlines()
    ended = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
    return f"{ended}, {lines[-1][:500]}" if lines else ended
