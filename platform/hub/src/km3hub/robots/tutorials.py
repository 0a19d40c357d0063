"""The tutorials in a user's home, according to their index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from km3visit.errors import VisitError
from km3visit.kernel import Kernel
from km3visit.notebook import code_cells, list_notebooks, read_notebook, read_text

__all__ = ["FOLDER", "Surroundings", "Tutorial", "read_index", "tutorials_for"]

#: Where the tutorials are in a user's home.
FOLDER = "tutorials"
#: What the environment `joint` has more than `stack`, whose tutorials it runs, too.
_WIDER = {"stack": {"joint"}}
#: What a tutorial names that asks the Open Data Center.
_PORTAL = "OPENKM3_SERVER"
_LIMIT = 60
_ROW = re.compile(
    r"^\|\s*(?P<number>\d\d)\s*\|\s*\[(?P<title>[^\]]+)\]\((?P<file>[^)]+\.ipynb)\)\s*\|.*"
    r"\|\s*(?P<environment>[\w-]+)\s*\|\s*$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Tutorial:
    """One row of the index, and the code of its notebook."""

    number: str
    title: str
    file: str
    environment: str
    cells: tuple[str, ...] = ()

    @property
    def needs_portal(self) -> bool:
        """Whether it asks the Open Data Center."""
        return any(_PORTAL in cell for cell in self.cells)


@dataclass(frozen=True)
class Surroundings:
    """What a user's server was started with."""

    environment: str
    portal: str

    @classmethod
    async def of(cls, kernel: Kernel) -> Surroundings:
        """Returns what the server of a kernel was started with."""
        code = (
            "import os\nfor name in ('KM3_ENVIRONMENT', 'OPENKM3_SERVER'):\n"
            "    print(os.environ.get(name, ''))"
        )
        lines = (await kernel.run(code, limit=_LIMIT)).splitlines()
        environment, portal = (*lines, "", "")[:2]
        return cls(environment.strip(), portal.strip())

    def can_run(self, tutorial: Tutorial) -> bool:
        """Returns whether a tutorial can run here."""
        right = {tutorial.environment} | _WIDER.get(tutorial.environment, set())
        return self.environment in right and bool(self.portal or not tutorial.needs_portal)


def read_index(text: str) -> Iterator[Tutorial]:
    """Yields the rows of the tutorials' README, in order."""
    for row in _ROW.finditer(text):
        yield Tutorial(row["number"], row["title"], row["file"], row["environment"])


async def tutorials_for(kernel: Kernel) -> list[Tutorial]:
    """Returns all tutorials in the home of the kernel's user, with their code.

    Raises
    ------
    VisitError
        If one is in the index but not in the folder, or cannot be read.
    """
    person = kernel.person
    there = {path.rpartition("/")[2] for path in await list_notebooks(person, FOLDER)}
    found = []
    for row in read_index(await read_text(person, f"{FOLDER}/README.md")):
        if row.file not in there:
            raise VisitError(f"the tutorial {row.file} is in the index, but not in ~/{FOLDER}")
        cells = tuple(code_cells(await read_notebook(person, f"{FOLDER}/{row.file}")))
        found.append(Tutorial(row.number, row.title, row.file, row.environment, cells))
    return found
