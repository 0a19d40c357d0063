"""Tells a user which cell ran out of memory, what it asked for, and what can be done about it."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from km3lab.cells import cell_number
from km3lab.home import amount
from km3lab.larger import HubSilentError, next_size

if TYPE_CHECKING:
    from km3lab.cells import Run
    from km3lab.memory import ControlGroup
    from km3lab.notices import Button, Notices
    from km3lab.surroundings import Surroundings

__all__ = ["OutOfMemory"]

#: numpy's message of a refused allocation.
_ASKED = re.compile(r"Unable to allocate ([\d.]+ \w+)")
_LOST = "Its variables are lost; saved files are not."


class OutOfMemory:
    """The notices about cells without memory.

    Parameters
    ----------
    around
        The server's surroundings.
    notices
        Where they are shown.
    group
        The control group with the limit; None: there is no limit.
    root
        The file browser's top folder.
    """

    def __init__(
        self,
        around: Surroundings,
        notices: Notices,
        group: ControlGroup | None,
        root: Path,
    ) -> None:
        self._around = around
        self._notices = notices
        self._group = group
        self._root = root

    async def stopped(self, path: str, run: Run | None, group: ControlGroup) -> None:
        """Report a kernel that the system stopped at the limit.

        Parameters
        ----------
        path
            Its notebook; empty: none.
        run
            The cell that it was running.
        group
            The control group with the limit.
        """
        text = f"{await self._subject(path, run)} was stopped: {self.limit(group)} was reached."
        asked = ""
        if run is not None and run.memory is not None:
            left = max(0, group.limit - run.memory)
            asked = (
                f" When the cell began{_quoted(run)}, {amount(run.memory)} were in use; it asked"
                f" for more than the {amount(left)} that were left."
            )
        await self._add(path, text, f"{_LOST}{asked}")

    async def refused(self, path: str, run: Run | None, reason: str) -> None:
        """Report a `MemoryError`; the kernel and its variables are still there.

        Parameters
        ----------
        path, run
            As in `stopped`.
        reason
            The text of the error.
        """
        asked = _ASKED.search(reason)
        what = f"asked for {asked[1]} of memory" if asked else "asked for more memory"
        there = self._around.memory_limit
        limit = f": more than this server's {amount(there)}" if there else " than there is"
        text = f"{await self._subject(path, run)} {what}{limit}."
        await self._add(path, text, "The kernel is still running, and its variables are kept.")

    async def _add(self, path: str, text: str, details: str) -> None:
        button: Button = ""
        arguments: dict[str, Any] = {}
        advice = self.more()
        # Without a limit a larger size changes nothing.
        if self._around.hub and self._around.memory_limit:
            with contextlib.suppress(HubSilentError):
                larger = await next_size()
                if larger is None:
                    advice = self.more(largest=True)
                else:
                    button = "size"
                    arguments = {"path": path, "title": larger.title}
                    advice = f"“Restart with {larger.title}” saves your work and opens it again."
        self._notices.add(
            "kernel",
            "error",
            text,
            details=f"{details} {advice}",
            button=button,
            arguments=arguments,
        )

    async def _subject(self, path: str, run: Run | None) -> str:
        name = Path(path).name
        if run is None or not path:
            return f"The kernel of {name}" if path else "A kernel"
        number = await cell_number(self._root / path, run.cell.id)
        return f"Cell {number} of {name}" if number else f"A cell of {name}"

    def limit(self, group: ControlGroup) -> str:
        """Returns the limit in words."""
        size = f" (size {self._around.size_title})" if self._around.size_title else ""
        return f"this server's memory limit of {amount(group.limit)}{size}"

    def more(self, *, largest: bool = False) -> str:
        """Returns how a user gets more memory, or needs less."""
        less = (
            "Process less data at a time, and shut down notebooks that you do not need (the tab"
            " Running on the left)."
        )
        if not self._around.hub:
            start = "For more memory start the container with a larger limit"
            return f"{start} (docker run --memory). {less}"
        if largest:
            return f"This is the largest size that you can choose. {less}"
        return (
            "For more memory choose a larger size: File > Hub Control Panel, stop your server and"
            f" start it again. With this size: {less[0].lower()}{less[1:]}"
        )


def _quoted(run: Run) -> str:
    return f" ({run.cell.code})" if run.cell.code else ""
