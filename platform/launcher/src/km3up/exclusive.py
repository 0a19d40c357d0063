"""One command at a time for each state folder; the next one waits for its turn."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from km3settings.state import State
from km3up.failure import Failure

__all__ = ["WAIT_SECONDS", "exclusive"]

#: The longest wait for another command: longer than a first installation on a slow line.
WAIT_SECONDS = 1800.0


@contextmanager
def exclusive(
    state: State, command: str, say: Callable[[str], None], seconds: float = WAIT_SECONDS
) -> Iterator[None]:
    """Keep other commands out of a state folder, after waiting for one that is running.

    Parameters
    ----------
    state
        The state folder.
    command
        What this process does, for those that wait for it, e.g. `km3up install`.
    say
        Called once with what this process waits for, if it has to.
    seconds
        The longest wait.

    Raises
    ------
    Failure
        If the other command has not ended in time.
    """
    state.create()
    lock = FileLock(state.run / "up.lock")
    holder = state.run / "up.holder"
    try:
        lock.acquire(timeout=0)
    except Timeout:
        other = _holder(holder)
        say(f"Waiting for {other} to end in {state.root}")
        try:
            lock.acquire(timeout=seconds)
        except Timeout:
            raise Failure(
                f"{other} has been running for {seconds:.0f} seconds in {state.root}; wait for it"
                " to end or stop it, then try again"
            ) from None
    try:
        holder.write_text(f"{command} (process {os.getpid()})", encoding="utf-8")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _holder(file: Path) -> str:
    """Returns what the process that has the lock does; it may not have said so yet."""
    try:
        return file.read_text(encoding="utf-8") or "another command"
    except OSError:
        return "another command"
