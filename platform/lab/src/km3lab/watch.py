"""Watches busy kernels, memory, killed kernels and the idle limit of the server."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from km3lab.cells import Cells
from km3lab.home import amount, left
from km3lab.out_of_memory import OutOfMemory

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

    from km3lab.cells import Run
    from km3lab.fullness import Fullness
    from km3lab.memory import ControlGroup
    from km3lab.notices import Notices
    from km3lab.surroundings import Surroundings
    from km3lab.troubles import KernelTroubles

__all__ = ["Watch"]

#: Seconds between two checks. A check reads three small files.
INTERVAL = 2.0
#: Share of the memory at which to warn, and below which a new warning makes sense.
_WARN, _CALM = 0.90, 0.80
#: At the limit the system should kill a kernel, not the server, which explains it to the user.
_VICTIM = "500"


class Watch:
    """Checks every few seconds and informs the user through `notices`."""

    def __init__(
        self,
        app: ServerApp,
        around: Surroundings,
        notices: Notices,
        group: ControlGroup | None,
        troubles: KernelTroubles,
        *,
        fullness: Fullness | None = None,
        cells: Cells | None = None,
    ) -> None:
        self._app = app
        self._around = around
        self._notices = notices
        self._group = group
        self._troubles = troubles
        self._fullness = fullness
        self._cells = cells or Cells()
        self._out_of_memory = OutOfMemory(around, notices, group, Path(app.root_dir))
        self._kills = group.kills() if group else 0
        self._warned = False
        self._known: dict[str, Any] = {}
        self._last_death = 0.0
        self._unexplained_since = 0.0

    def look(self) -> None:
        """Check everything once."""
        self._kernels()
        self._troubles.show(self._notices)
        if self.busy():
            times = self._app.web_app.settings["last_activity_times"]
            times["km3lab_busy"] = datetime.now(UTC)
        self._memory()
        self._disk()
        self._idle()

    def busy(self) -> bool:
        """Returns whether a kernel is busy or a terminal is running a program."""
        terminals = getattr(self._terminal_manager(), "terminals", {})
        return self.kernel_busy() or any(_runs_a_program(one) for one in terminals.values())

    def kernel_busy(self) -> bool:
        """Returns whether a kernel is busy."""
        kernels = self._app.kernel_manager
        return any(
            getattr(kernels.get_kernel(identifier), "execution_state", "") == "busy"
            for identifier in kernels.list_kernel_ids()
        )

    def _terminal_manager(self) -> Any:
        return self._app.web_app.settings.get("terminal_manager")

    def _kernels(self) -> None:
        manager = self._app.kernel_manager
        present = set(manager.list_kernel_ids())
        for identifier in present:
            kernel = manager.get_kernel(identifier)
            if identifier not in self._known:
                manager.add_restart_callback(identifier, lambda i=identifier: self._died(i))
            pid = getattr(kernel.provisioner, "pid", None)
            if pid and self._known.get(identifier) != pid:
                _make_victim(pid)
            self._known[identifier] = pid
        for identifier in set(self._known) - present:
            del self._known[identifier]

    def _died(self, identifier: str) -> None:
        """Called by the kernel's watcher when it finds the process gone, before the restart."""
        kernel = self._app.kernel_manager.get_kernel(identifier)
        self._troubles.blame(kernel.connection_file)
        process = getattr(kernel.provisioner, "process", None)
        code = getattr(process, "returncode", None)
        if code is None or code >= 0:
            # The kernel exited by itself; JupyterLab's own message is enough.
            return
        self._last_death = time.monotonic()
        run = self._cells.ended(identifier)
        kills = self._group.kills() if self._group else 0
        at_limit = kills > self._kills
        self._kills = kills
        self._unexplained_since = 0.0
        self._app.io_loop.add_callback(self._tell_death, identifier, -code, at_limit, run)

    async def _tell_death(
        self, identifier: str, number: int, at_limit: bool, run: Run | None
    ) -> None:
        self._app.log.warning(
            "km3lab.kernel_died kernel=%s signal=%s oom=%s", identifier, number, at_limit
        )
        path = await self._notebook(identifier)
        if at_limit and self._group:
            await self._out_of_memory.stopped(path, run, self._group)
            return
        whose = f"The kernel of {Path(path).name}" if path else "A kernel"
        lost = "Its variables are lost; saved files are not."
        if number == signal.SIGKILL:
            text = f"{whose} was killed: the machine is out of memory, or someone stopped it."
            details = f"{lost} Processing less data at a time may help."
        else:
            text, details = f"{whose} crashed ({signal.Signals(number).name}).", lost
        self._notices.add("kernel", "error", text, details=details)

    def memory_error(self, identifier: str, reason: str) -> None:
        """Report that a cell got no memory and raised `MemoryError`.

        Parameters
        ----------
        identifier
            The kernel.
        reason
            The text of the error.
        """
        run = self._cells.running.get(identifier)
        key = (identifier, run.began if run else 0.0)
        # Each page that shows the notebook gets the same message.
        if key != self._refused:
            self._refused = key
            self._app.io_loop.add_callback(self._tell_refusal, identifier, run, reason)

    _refused: tuple[str, float] | None = None

    async def _tell_refusal(self, identifier: str, run: Run | None, reason: str) -> None:
        await self._out_of_memory.refused(await self._notebook(identifier), run, reason)

    async def _notebook(self, identifier: str) -> str:
        """Returns the path of a kernel's notebook; empty: it has none."""
        for session in await self._app.session_manager.list_sessions():
            if session["kernel"] and session["kernel"]["id"] == identifier:
                return str(session["path"])
        return ""

    def _memory(self) -> None:
        group = self._group
        if group is None:
            return
        self._explain_kills(group)
        share = group.used() / group.limit
        if share >= _WARN and not self._warned:
            self._warned = True
            self._app.io_loop.add_callback(self._warn_of_memory, group)
        elif share < _CALM and self._warned:
            self._warned = False
            self._notices.withdraw("memory")

    async def _warn_of_memory(self, group: ControlGroup) -> None:
        largest = await self._largest()
        self._notices.withdraw("memory")
        self._notices.add(
            "memory",
            "warning",
            f"Memory is running out: {amount(group.used())} of {amount(group.limit)} are in use.",
            details=f"{largest}At the limit the largest kernel is stopped and its variables are"
            f" lost. Save your work. {self._out_of_memory.more()}",
        )

    async def _largest(self) -> str:
        """Returns which notebooks use most memory, as a sentence; empty where it is unknown."""
        sizes = []
        for identifier, pid in list(self._known.items()):
            with contextlib.suppress(psutil.Error, TypeError, ValueError):
                name = Path(await self._notebook(identifier)).name or "a console"
                sizes.append((psutil.Process(pid).memory_info().rss, name))
        shown = [f"{name} {amount(size)}" for size, name in sorted(sizes, reverse=True)[:3]]
        return f"Largest: {', '.join(shown)}. " if shown else ""

    def _disk(self) -> None:
        # The hub's figures are about the home's own limit, these about the disk that it is on.
        known = self._fullness is not None and self._fullness.known
        free = None if known else left(self._around.home)
        shown = any(notice.topic == "space" for notice in self._notices.current)
        if free is None:
            if shown:
                self._notices.withdraw("space")
        elif not shown:
            self._notices.add(
                "space",
                "warning",
                f"Your home is full: {amount(free)} left." if free else "Your home is full.",
                details="Soon no more files can be saved. Delete files that you do not need: in"
                " a terminal, `du -ah ~ | sort -h | tail -20` shows the largest.",
            )

    def _explain_kills(self, group: ControlGroup) -> None:
        """Report a killed process that is not a kernel."""
        kills = group.kills()
        if kills == self._kills:
            return
        now = time.monotonic()
        if not self._unexplained_since:
            # The watcher of kernels checks every three seconds and reports more.
            self._unexplained_since = now
        elif now - self._unexplained_since > 8:
            self._kills = kills
            self._unexplained_since = 0.0
            if now - self._last_death > 15:
                text = f"A program was stopped: {self._out_of_memory.limit(group)} was reached."
                self._notices.add("program", "error", text, details=self._out_of_memory.more())

    def _idle(self) -> None:
        limit = self._around.cull_idle_seconds
        if not limit or not self._around.hub:
            return
        last: datetime = self._app.web_app.last_activity()
        left = limit - (datetime.now(UTC) - last).total_seconds()
        shown = any(notice.topic == "idle" for notice in self._notices.current)
        if left > _warning_seconds(limit):
            if shown:
                self._notices.withdraw("idle")
        elif not shown:
            self._notices.add(
                "idle",
                "warning",
                f"This server is not in use and stops {_soon(left)}.",
                details="Idle servers make room for others. Your files are kept; data in the"
                " memory of kernels are lost.",
                button="keep",
            )


def _warning_seconds(limit: float) -> float:
    """Returns how long before the end to warn; pages poll every 30 seconds."""
    return min(300, limit / 2, max(60, limit / 5))


def _soon(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"in about {minutes} minutes" if minutes > 1 else "in about a minute"


def _runs_a_program(terminal: Any) -> bool:
    """Whether a program other than the shell is in the foreground of a terminal."""
    try:
        return bool(os.tcgetpgrp(terminal.ptyproc.fd) != os.getpgid(terminal.ptyproc.pid))
    except (OSError, AttributeError):
        return False


def _make_victim(pid: int) -> None:
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text(_VICTIM)
