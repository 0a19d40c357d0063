"""``openkm3 get``: download a file of the Open Data Center and check it."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from ..formats.limits import complete
from ..library import Library
from . import options


@click.command()
@click.argument("identifier")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="File or folder to copy it to. By default its path in the cache is printed.",
)
@options.server
@options.hosts
def get(identifier: str, output: Path | None, server: str | None, hosts: tuple[str, ...]) -> None:
    """Download a resource, unless the cache already has it."""
    library = Library(server, max_age=0, hosts=hosts or None)
    path = library.file(library.resource(identifier)).file
    if output is not None:
        target = output / path.name if output.is_dir() else output
        with complete(target) as temporary:
            shutil.copyfile(path, temporary)
        path = target
    click.echo(str(path))
