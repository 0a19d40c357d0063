"""Which cell of which notebook a kernel is running: for messages, never sent anywhere by itself."""

from __future__ import annotations

import asyncio
import json
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Cell", "Cells", "Run", "cell_number"]

#: Requests that are remembered per server; "Run All" sends many at once.
_REQUESTS = 2000
#: Characters of the code that are shown.
_SHOWN = 40
#: Larger notebooks are not searched for a cell.
_LARGEST = 64 << 20


@dataclass(frozen=True)
class Cell:
    """A cell that a browser sent to a kernel."""

    id: str
    """The cell's identifier in the notebook."""
    code: str
    """The first line of its code, shortened."""


@dataclass(frozen=True)
class Run:
    """A cell that a kernel began to run."""

    cell: Cell
    memory: int | None
    """Bytes in use when it began, if they are known."""
    began: float = field(default_factory=time.time)
    """Seconds since 1970."""


class Cells:
    """The cells that kernels run and ran last, from the messages between browsers and kernels.

    Parameters
    ----------
    memory
        Returns the bytes in use, or None.
    """

    def __init__(self, memory: Any = None) -> None:
        self._memory = memory or (lambda: None)
        self._requests: OrderedDict[str, Cell] = OrderedDict()
        self.running: dict[str, Run] = {}
        """By kernel: what it is running now."""
        self.last: dict[str, Run] = {}
        """By kernel: what it began to run last."""

    def requested(self, header: dict[str, Any], metadata: Any, content: dict[str, Any]) -> None:
        """Note an `execute_request` of a browser; those of no cell are ignored."""
        identifier = metadata.get("cellId") if isinstance(metadata, dict) else None
        if not isinstance(identifier, str) or content.get("silent"):
            return
        lines = str(content.get("code", "")).strip().splitlines() or [""]
        line = lines[0] if len(lines[0]) <= _SHOWN else lines[0][: _SHOWN - 1] + "…"
        self._requests[str(header.get("msg_id"))] = Cell(identifier[:64], line)
        while len(self._requests) > _REQUESTS:
            self._requests.popitem(last=False)

    def status(self, kernel: str, request: str, state: str) -> None:
        """Note that a kernel began (`busy`) or finished (`idle`) what a request asked for."""
        cell = self._requests.get(request)
        if cell is None:
            return
        if state == "busy":
            known = self.running.get(kernel)
            # The same message comes through every page that shows the notebook.
            if known is None or known.cell is not cell:
                self.running[kernel] = self.last[kernel] = Run(cell, self._memory())
        elif self.running.get(kernel) and self.running[kernel].cell is cell:
            del self.running[kernel]

    def ended(self, kernel: str) -> Run | None:
        """Forget a kernel that ended; return what it was running."""
        return self.running.pop(kernel, None)


async def cell_number(notebook: Path, identifier: str) -> int | None:
    """Returns the position of a cell in a saved notebook, from 1; None where it is not found."""
    return await asyncio.to_thread(_find, notebook, identifier)


def _find(notebook: Path, identifier: str) -> int | None:
    try:
        if not notebook.is_file() or notebook.stat().st_size > _LARGEST:
            return None
        cells = json.loads(notebook.read_bytes())["cells"]
        found = [number for number, cell in enumerate(cells, 1) if cell.get("id") == identifier]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return found[0] if found else None
