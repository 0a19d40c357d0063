"""A notebook of a user's server, run cell by cell."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from km3visit.errors import VisitError
from km3visit.kernel import Kernel
from km3visit.site import Person

__all__ = ["code_cells", "list_notebooks", "open_folder", "read_notebook", "read_text"]


async def list_notebooks(person: Person, folder: str, pattern: str = "*.ipynb") -> list[str]:
    """Returns the paths of the notebooks in a folder of the user's home, sorted.

    Raises
    ------
    VisitError
        If the folder cannot be read.
    """
    found = await _contents(person, folder)
    names = [entry["path"] for entry in found["content"] if entry["type"] == "notebook"]
    return sorted(path for path in names if fnmatch.fnmatch(path.rpartition("/")[2], pattern))


async def read_notebook(person: Person, path: str) -> dict[str, Any]:
    """Returns a notebook of the user's home.

    Raises
    ------
    VisitError
        If it cannot be read.
    """
    notebook: dict[str, Any] = (await _contents(person, path))["content"]
    return notebook


async def read_text(person: Person, path: str) -> str:
    """Returns a text file of the user's home.

    Raises
    ------
    VisitError
        If it cannot be read.
    """
    return str((await _contents(person, path))["content"])


def code_cells(notebook: dict[str, Any]) -> Iterator[str]:
    """Yields the code of each cell that has some, in order."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            source = cell["source"]
            code = source if isinstance(source, str) else "".join(source)
            if code.strip():
                yield code


async def open_folder(kernel: Kernel, folder: str) -> None:
    """Make the folder of a notebook the kernel's current one, as JupyterLab does.

    Parameters
    ----------
    kernel
        A kernel that was started in the home.
    folder
        Relative to the home.
    """
    await kernel.run(f"import os; os.chdir({folder!r}); del os", limit=60)


async def _contents(person: Person, path: str) -> dict[str, Any]:
    async with person.client() as client:
        answer = await client.get(f"{person.server}/api/contents/{quote(path)}")
    if answer.status_code != 200:
        raise VisitError(f"{path} cannot be read (the server answers {answer.status_code})")
    found: dict[str, Any] = answer.json()
    return found
