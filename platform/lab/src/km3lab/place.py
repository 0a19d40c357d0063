"""The cell that the user has reached, for teachers, if the user agreed to show it."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from km3lab.cells import Cells, cell_number
from km3lab.material import FOLDER
from km3lab.tutorials import FOLDER as TUTORIALS

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

__all__ = ["reached"]


async def reached(app: ServerApp, cells: Cells) -> dict[str, Any] | None:
    """Returns path and number of the cell that was run last, without anything of its content.

    Notebooks outside `workshop` and `tutorials` are not mentioned.

    Parameters
    ----------
    app
        The server.
    cells
        The cells that kernels ran.
    """
    paths = {
        session["kernel"]["id"]: str(session["path"])
        for session in await app.session_manager.list_sessions()
        if session["kernel"]
    }
    runs = [
        (run.began, paths[kernel], run.cell.id)
        for kernel, run in cells.last.items()
        if kernel in paths and PurePosixPath(paths[kernel]).parts[:1] in ((FOLDER,), (TUTORIALS,))
    ]
    if not runs:
        return None
    _, path, identifier = max(runs)
    return {"path": path, "cell": await cell_number(Path(app.root_dir) / path, identifier)}
