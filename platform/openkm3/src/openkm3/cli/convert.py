"""``openkm3 convert``: from any format to any that can be written."""

from __future__ import annotations

from pathlib import Path

import click

from .. import formats

_WRITABLE = [name for name, form in formats.FORMATS.items() if form.writable]


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--to", "fmt", type=click.Choice(_WRITABLE), help="Format, if the suffix is not it.")
@click.option("--vodf", is_flag=True, help="Write event lists in FITS after VODF, not GADF.")
@click.option("--force", is_flag=True, help="Replace TARGET if it exists.")
def convert(source: Path, target: Path, fmt: str | None, vodf: bool, force: bool) -> None:
    """Convert SOURCE to TARGET; the suffix of TARGET chooses the format.

    Metadata are kept. Formats of a single table (ECSV) take the table of events.
    """
    if target.exists() and not force:
        raise click.UsageError(f"{target} exists; --force replaces it")
    options = {"profile": "vodf"} if vodf else {}
    if vodf and fmt != "fits" and target.suffix.lower() not in formats.FORMATS["fits"].suffixes:
        raise click.UsageError("--vodf is for FITS only")
    formats.convert(source, target, fmt, **options)
