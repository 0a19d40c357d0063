"""``openkm3 convert``: convert a file to another format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .. import formats
from ..formats.roles import OPTIONAL, ROLES
from .paths import exists

_WRITABLE = [name for name, form in formats.FORMATS.items() if form.writable]


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "fmt",
    type=click.Choice(_WRITABLE),
    help="Format of TARGET. By default its suffix chooses.",
)
@click.option(
    "--vodf", is_flag=True, help="Write event lists in FITS in the VODF standard, not GADF."
)
@click.option(
    "--column",
    "chosen",
    multiple=True,
    metavar="ROLE=NAME",
    help="Column that is the TIME, ENERGY, RA, DEC, GLON, GLAT or EVENT_ID of an event list in "
    "FITS, if it is not recognised: TIME=t, TIME=t:mjd (jd, unix, gps), ENERGY=E:GeV. May be "
    "repeated.",
)
@click.option(
    "--without",
    multiple=True,
    type=click.Choice(OPTIONAL, case_sensitive=False),
    help="The data have no TIME or no ENERGY; the event list gets NaN. May be repeated.",
)
@click.option("--force", is_flag=True, help="Replace TARGET if it exists.")
def convert(
    source: Path,
    target: Path,
    fmt: str | None,
    *,
    vodf: bool,
    chosen: tuple[str, ...],
    without: tuple[str, ...],
    force: bool,
) -> None:
    """Convert SOURCE to TARGET; the suffix of TARGET chooses the format.

    Metadata is kept. Formats that hold a single table (ECSV, Parquet) get the table of events.
    """
    if exists(target) and not force:
        raise click.UsageError(f"{target} already exists; --force replaces it")
    options: dict[str, Any] = {"profile": "vodf"} if vodf else {}
    if chosen:
        options["chosen"] = dict(_choice(text) for text in chosen)
    if without:
        options["without"] = without
    is_fits = (
        fmt == "fits"
        if fmt is not None
        else target.suffix.lower() in formats.FORMATS["fits"].suffixes
    )
    if options and not is_fits:
        named = "--vodf" if vodf else "--column" if chosen else "--without"
        raise click.UsageError(f"{named} applies only to FITS")
    if both := {role for role, _ in map(_choice, chosen)} & set(without):
        raise click.UsageError(f"--column {both.pop()} contradicts --without")
    formats.convert(source, target, fmt, **options)


def _choice(text: str) -> tuple[str, str]:
    role, equals, name = text.partition("=")
    if not equals or not name or role.upper() not in ROLES:
        raise click.UsageError(
            f"--column {text!r} is not ROLE=NAME with a role of {', '.join(ROLES)}"
        )
    return role.upper(), name
