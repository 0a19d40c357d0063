"""The directive `rest-service`: the portal's REST addresses, from its OpenAPI document."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

METHODS = ("get", "post", "put", "patch", "delete")


def openapi() -> dict[str, Any]:
    """Return the OpenAPI document that the portal's own code generates."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "openapi.json"
        subprocess.run(
            [
                sys.executable, "-m", "opendata", "django", "spectacular",
                "--format", "openapi-json", "--file", file,
            ],
            env={"OPENDATA_STATE": folder, "PATH": "/usr/bin:/bin"},
            check=True,
            capture_output=True,
        )  # fmt: skip
        document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return document


class RestService(SphinxDirective):
    """A table for each group of addresses: method, address, what it does, who may."""

    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        """Return one section for each tag of the document."""
        # What it shows comes from code, of whose changes Sphinx knows nothing.
        self.env.note_reread()
        groups: dict[str, list[list[str]]] = {}
        for path, operations in openapi()["paths"].items():
            for method in METHODS:
                if method not in operations:
                    continue
                operation = operations[method]
                description = (operation.get("description") or "").strip().split("\n\n")[0]
                public = {} in operation.get("security", [{}])
                row = [
                    method.upper(), path, description.replace("\n", " "),
                    "everyone" if public else "token",
                ]  # fmt: skip
                groups.setdefault((operation.get("tags") or ["entry point"])[0], []).append(row)
        found: list[nodes.Node] = []
        for name, rows in sorted(groups.items()):
            section = nodes.section(ids=[f"rest-{name.replace(' ', '-')}"])
            section += nodes.title(text=name)
            section += table(["method", "address", "what it does", "who"], rows)
            found.append(section)
        return found


def table(heads: list[str], rows: list[list[str]]) -> nodes.table:
    """Return a docutils table; addresses (second column) are literal text."""
    group = nodes.tgroup(cols=len(heads))
    for width in (1, 5, 8, 1):
        group += nodes.colspec(colwidth=width)
    head, body = nodes.thead(), nodes.tbody()
    head += _row([nodes.paragraph(text=text) for text in heads])
    for method, address, what, who in rows:
        literal = nodes.paragraph()
        literal += nodes.literal(text=address)
        cells = [nodes.paragraph(text=method), literal]
        cells += [nodes.paragraph(text=text) for text in (what, who)]
        body += _row(cells)
    group += head
    group += body
    found = nodes.table()
    found += group
    return found


def _row(cells: list[nodes.paragraph]) -> nodes.row:
    row = nodes.row()
    for cell in cells:
        entry = nodes.entry()
        entry += cell
        row += entry
    return row


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("rest-service", RestService)
    return {"parallel_read_safe": True}
