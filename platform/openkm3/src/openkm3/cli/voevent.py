"""``openkm3 voevent``: convert an alert to VOEvent."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import MissingPackage
from ..formats.limits import complete


@click.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="File to write. By default the VOEvent is printed.",
)
def voevent(source: Path, output: Path | None) -> None:
    """Convert a KM3NeT alert (GCN JSON, or any VOEvent) to a valid VOEvent 2.0."""
    try:
        from openkm3 import alerts
    except ImportError:
        raise MissingPackage("Reading alerts", "alerts") from None

    document = alerts.to_voevent(alerts.read(source))
    content = document.encode() if isinstance(document, str) else document
    if output is None:
        click.echo(content.decode())
        return
    with complete(output) as temporary:
        temporary.write_bytes(content)
