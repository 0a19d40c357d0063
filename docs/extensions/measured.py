"""The roles `measured` and `measured-on`: figures of the benchmarks, by the name of their row.

They are read from `tests/bench/README.md`, which `make bench` writes, so no page can state an older
figure. A name that is not there, or there twice, is a warning, and warnings end `make docs`.
"""

from __future__ import annotations

import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole

BENCH = Path(__file__).resolve().parents[2] / "tests" / "bench" / "README.md"


def tables(text: str) -> dict[str, tuple[str, list[tuple[str, str]]]]:
    """Returns for each section of the benchmarks where it ran, and its rows (what, measured)."""
    found = {}
    for section in text.partition("<!-- figures -->")[2].split("\n### ")[1:]:
        title, _, body = section.partition("\n")
        rows = [
            (cells[0].replace("`", ""), cells[1])
            for line in body.splitlines()
            if line.startswith("| ") and not line.startswith("| what")
            for cells in [[cell.strip() for cell in line.strip("|").split("|")]]
        ]
        circumstances = next(line for line in body.splitlines() if re.match(r"\d{4}-", line))
        found[title.strip()] = (circumstances, rows)
    return found


class _BenchRole(SphinxRole):
    """A role whose text names something in the benchmarks."""

    def candidates(self) -> list[str]:
        """Returns what has the name."""
        raise NotImplementedError

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Returns the text, or a warning unless exactly one has the name."""
        self.env.note_dependency(str(BENCH))
        found = self.candidates()
        if len(found) == 1:
            return [nodes.Text(found[0])], []
        message = self.inliner.reporter.warning(
            f"{len(found)} figures of tests/bench/README.md are named {self.text!r}; name one",
            line=self.lineno,
        )
        return [], [message]


class Measured(_BenchRole):
    """The figure in the row of a name."""

    def candidates(self) -> list[str]:
        """Returns the figures in rows of this name."""
        sections = tables(BENCH.read_text(encoding="utf-8")).values()
        return [measured for _, rows in sections for what, measured in rows if what == self.text]


class MeasuredOn(_BenchRole):
    """The date and the machine of the section of a title."""

    def candidates(self) -> list[str]:
        """Returns the circumstances of sections with this title."""
        sections = tables(BENCH.read_text(encoding="utf-8"))
        return [sections[self.text][0]] if self.text in sections else []


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the roles."""
    app.add_role("measured", Measured())
    app.add_role("measured-on", MeasuredOn())
    return {"parallel_read_safe": True}
