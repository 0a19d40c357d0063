"""``openkm3 list``: list collections and their parts."""

from __future__ import annotations

import json
import shutil

import click

from ..library import Library
from . import options


@click.command("list")
@click.argument("identifier", required=False)
@options.server
@options.as_json
def list_(identifier: str | None, server: str | None, as_json: bool) -> None:
    """List all collections, or the parts of one collection or stream."""
    # max_age=0: always ask whether the server has a newer catalogue.
    catalogue = Library(server, max_age=0).catalogue
    if identifier is None:
        entries = catalogue.collections()
    else:
        entries = catalogue.children(identifier) or [catalogue[identifier]]
    if as_json:
        fields = {"identifier", "title", "description", "kind", "ktype"}
        content = [entry.model_dump(mode="json", include=fields) for entry in entries]
        click.echo(json.dumps(content, indent=1, ensure_ascii=False))
        return
    if not entries:
        click.echo("This server has not published anything yet.")
        return
    width = max(len(entry.identifier) for entry in entries)
    room = max(shutil.get_terminal_size((100, 24)).columns - width - 16, 30)
    for entry in entries:
        title = entry.title if len(entry.title) <= room else f"{entry.title[: room - 3]}..."
        click.echo(f"{entry.identifier:<{width}}  {entry.kind:<10}  {title}")
