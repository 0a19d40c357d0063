"""The directive `settings-reference`: every key of platform.yaml, from its JSON Schema."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from rest_service import _row
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

COMMAND = Path(sys.executable).with_name("km3hub")


def schema() -> dict[str, Any]:
    """Return what `km3hub schema` prints."""
    output = subprocess.run([COMMAND, "schema"], check=True, capture_output=True).stdout
    document: dict[str, Any] = json.loads(output)
    return document


class SettingsReference(SphinxDirective):
    """A section for each section of the file, with a table of its keys."""

    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        """Return the sections in the order of the file."""
        # What it shows comes from code, of whose changes Sphinx knows nothing.
        self.env.note_reread()
        document = schema()
        definitions = document["$defs"]
        found: list[nodes.Node] = []
        for name, value in document["properties"].items():
            section = nodes.section(ids=[f"settings-{name}"])
            section += nodes.title(text=name)
            reference = _model(value)
            model = definitions[reference] if reference else value
            if model.get("description"):
                section += _with_literals(model["description"])
            rows = list(_keys(model, definitions, "")) if reference else []
            if rows:
                section += _table(rows)
            found.append(section)
        return found


def _model(value: dict[str, Any]) -> str:
    """Return the name of the model that a property holds, alone, optional or in a list."""
    candidates = [value, value.get("items", {}), *value.get("anyOf", [])]
    for candidate in candidates:
        if "$ref" in candidate:
            return str(candidate["$ref"]).rsplit("/", 1)[-1]
    return ""


def _keys(
    model: dict[str, Any], definitions: dict[str, Any], prefix: str
) -> list[tuple[str, str, str]]:
    rows: list[tuple[str, str, str]] = []
    for name, value in model.get("properties", {}).items():
        reference = _model(value)
        described = value.get("description") or ""
        nested = reference and "properties" in definitions[reference]
        if nested:
            described = described or definitions[reference].get("description", "")
        default = "" if nested or "default" not in value else json.dumps(value["default"])
        rows.append((prefix + name, default, described))
        if nested:
            rows += _keys(definitions[reference], definitions, f"{prefix}{name}.")
    return rows


def _table(rows: list[tuple[str, str, str]]) -> nodes.table:
    group = nodes.tgroup(cols=3)
    for width in (3, 2, 7):
        group += nodes.colspec(colwidth=width)
    head, body = nodes.thead(), nodes.tbody()
    head += _row([nodes.paragraph(text=text) for text in ("key", "default", "meaning")])
    for key, default, described in rows:
        name = nodes.paragraph()
        name += nodes.literal(text=key)
        value = nodes.paragraph()
        if default:
            value += nodes.literal(text=default)
        body += _row([name, value, _with_literals(described)])
    group += head
    group += body
    found = nodes.table()
    found += group
    return found


def _with_literals(text: str) -> nodes.paragraph:
    """Return a paragraph in which what stands between backticks is literal."""
    paragraph = nodes.paragraph()
    for number, part in enumerate(text.replace("``", "`").split("`")):
        paragraph += nodes.literal(text=part) if number % 2 else nodes.Text(part)
    return paragraph


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("settings-reference", SettingsReference)
    return {"parallel_read_safe": True}
