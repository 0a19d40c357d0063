"""Watches busy kernels, memory, killed kernels and the idle limit of the server."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from km3lab.home import amount, left

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

    from km3lab.memory import ControlGroup
    from km3lab.notices import Button, Notices
    from km3lab.surroundings import Surroundings
    from km3lab.troubles import KernelTroubles

__all__ = ["Watch"]

#: Seconds between two checks. A check reads three small files.
INTERVAL = 2.0
#: Share of the memory at which to warn, and below which a new warning makes sense.
_WARN, _CALM = 0.90, 0.80
#: At the limit the system should kill a kernel, not the server that could explain it.
_VICTIM = "500"


class Watch:
    """Checks every few seconds, and tells the user through `notices`."""

    def __init__(
        self,
        app: ServerApp,
        around: Surroundings,
        notices: Notices,
        group: ControlGroup | None,
        troubles: KernelTroubles,
    ) -> None:
        self._app = app
        self._around = around
        self._notices = notices
        self._group = group
        self._troubles = troubles
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
        """Whether a kernel is busy or a terminal is running a program."""
        kernels = self._app.kernel_manager
        for identifier in kernels.list_kernel_ids():
            if getattr(kernels.get_kernel(identifier), "execution_state", "") == "busy":
                return True
        terminals = getattr(self._terminal_manager(), "terminals", {})
        return any(_runs_a_program(terminal) for terminal in terminals.values())

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
            # A kernel that ended by itself; JupyterLab's own message is enough.
            return
        self._last_death = time.monotonic()
        kills = self._group.kills() if self._group else 0
        at_limit = kills > self._kills
        self._kills = kills
        self._unexplained_since = 0.0
        self._app.io_loop.add_callback(self._tell_death, identifier, -code, at_limit)

    async def _tell_death(self, identifier: str, number: int, at_limit: bool) -> None:
        whose = await self._whose(identifier)
        lost = "Its variables are lost; saved files are not."
        button: Button = ""
        if at_limit and self._group:
            text = f"{whose} was stopped: {self._limit(self._group)} was reached."
            details = f"{lost} {self._more()}"
            button = "size" if self._around.hub else ""
        elif number == signal.SIGKILL:
            text = f"{whose} was killed: the machine is out of memory, or somebody stopped it."
            details = f"{lost} Processing less data at a time may help."
        else:
            text, details = f"{whose} crashed ({signal.Signals(number).name}).", lost
        self._app.log.warning(
            "km3lab.kernel_died kernel=%s signal=%s oom=%s", identifier, number, at_limit
        )
        self._notices.add("kernel", "error", text, details=details, button=button)

    async def _whose(self, identifier: str) -> str:
        for session in await self._app.session_manager.list_sessions():
            if session["kernel"] and session["kernel"]["id"] == identifier:
                return f"The kernel of {Path(session['path']).name}"
        return "A kernel"

    def _limit(self, group: ControlGroup) -> str:
        size = f" (size {self._around.size_title})" if self._around.size_title else ""
        return f"this server's memory limit of {amount(group.limit)}{size}"

    def _more(self) -> str:
        if self._around.hub:
            return (
                "For more memory choose a larger size: File > Hub Control Panel, stop your server"
                " and start it again. With this size, process less data at a time, and shut down"
                " notebooks that you do not need (the tab Running on the left)."
            )
        return (
            "For more memory start the container with a larger limit (docker run --memory); or"
            " process less data at a time, and shut down notebooks that you do not need."
        )

    def _memory(self) -> None:
        group = self._group
        if group is None:
            return
        self._explain_kills(group)
        share = group.used() / group.limit
        if share >= _WARN and not self._warned:
            self._warned = True
            self._notices.add(
                "memory",
                "warning",
                f"Memory is running out: {amount(group.used())} of {amount(group.limit)} are in"
                " use.",
                details="At the limit the largest kernel is stopped and its variables are lost."
                " Save your work. " + self._more(),
            )
        elif share < _CALM and self._warned:
            self._warned = False
            self._notices.withdraw("memory")

    def _disk(self) -> None:
        free = left(self._around.home)
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
            # The watcher of kernels looks every three seconds and knows better.
            self._unexplained_since = now
        elif now - self._unexplained_since > 8:
            self._kills = kills
            self._unexplained_since = 0.0
            if now - self._last_death > 15:
                text = f"A program was stopped: {self._limit(group)} was reached."
                self._notices.add("program", "error", text, details=self._more())

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
