"""``openkm3 info``: describe a file or an entry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import numpy as np

from ..formats import FORMATS, detect, missing, read
from ..library import Library
from . import options
from .paths import exists, looks_like_file


@click.command()
@click.argument("what", metavar="FILE|IDENTIFIER")
@options.server
@options.as_json
def info(what: str, server: str | None, as_json: bool) -> None:
    """Show the tables, columns and metadata of a file, or the catalogue's entry of a resource."""
    is_file = exists(Path(what)) or looks_like_file(what)
    content = _file(Path(what)) if is_file else _entry(what, server)
    if as_json:
        click.echo(json.dumps(content, indent=1, ensure_ascii=False))
    else:
        for line in _lines(content):
            click.echo(line)


def _file(path: Path) -> dict[str, Any]:
    fmt = detect(path)
    dataset = read(path, fmt)
    return {
        "file": str(path),
        "format": FORMATS[fmt].title,
        "tables": {
            name: {
                "rows": len(table),
                "columns": {
                    key: f"{_type(table[key])} {table[key].unit or ''}".strip()
                    + _missing(table[key])
                    for key in table.colnames
                },
            }
            for name, table in dataset.tables.items()
        },
        **dataset.annotation.plain(),
    }


def _type(column: Any) -> str:
    shape = "x".join(map(str, column.shape[1:]))
    names = {"U": "text", "M": "time", "O": "arrays"}
    name = names.get(column.dtype.kind, column.dtype.name)
    return f"{name}[{shape}]" if shape else name


def _missing(column: Any) -> str:
    count = int(np.count_nonzero(missing(column)))
    return f", {count} missing" if count else ""


def _entry(identifier: str, server: str | None) -> dict[str, Any]:
    entry = Library(server, max_age=0).catalogue[identifier]
    content: dict[str, Any] = entry.model_dump(mode="json", exclude_none=True)
    return content


def _lines(content: Any, indent: int = 0) -> list[str]:
    """Return nested content as indented lines, without empty parts."""
    lines: list[str] = []
    for key, value in content.items():
        if value in (None, "", [], {}):
            continue
        if isinstance(value, dict):
            inner = _lines(value, indent + 1)
            lines += [f"{'  ' * indent}{key}:", *inner] if inner else []
        else:
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            lines.append(f"{'  ' * indent}{key}: {text}")
    return lines
