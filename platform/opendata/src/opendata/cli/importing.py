"""Commands that fill the portal: ``seed`` and ``import``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command()
def seed() -> None:
    """Fill an empty portal with demonstration data; simulated data are marked as such.

    Imported ANTARES data are kept.
    """
    from opendata.importers import demonstration

    number = demonstration.seed(click.echo)
    click.echo(
        f"{number} records published."
        if number
        else "Nothing to do: the portal already has records."
    )


@click.group(name="import")
def import_() -> None:
    """Import data."""


@import_.command(name="antares")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def import_antares(folder: Path) -> None:
    """Import ANTARES 2007-2017: ANTARES.data, acc.txt and background.txt in FOLDER."""
    from opendata.importers import antares

    number = antares.import_folder(folder)
    click.echo(
        f"{number} records published."
        if number
        else "Nothing to do: all records are published already."
    )


@import_.command(name="file")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--identifier", required=True, help="Identifier of the record, e.g. evts21_01.")
@click.option("--title", help="Title; by default that of the file's header.")
@click.option("--parent", help="Collection or stream that it belongs to.")
@click.option(
    "--accept-findings",
    default="",
    metavar="REASON",
    help="Publish in spite of errors in the metadata, for this reason.",
)
@click.option(
    "--table",
    default="auto",
    metavar="SCHEMA.TABLE|none",
    help="Name of its table in TAP and cone search; by default derived from the identifier, and "
    "only tables with positions are served.",
)
@click.option(
    "--again", is_flag=True, help="Publish the file even if another record has the same content."
)
def import_file(path: Path, identifier: str, **options: Any) -> None:
    """Import an annotated table or any HDF5, FITS, VOTable or ROOT file with metadata."""
    from opendata.importers import files

    version = files.import_file(path, identifier=identifier, **options)
    table = version.service.get("table")
    click.echo(f"{identifier} published." + (f" Its table is {table}." if table else ""))


@import_.command(name="testdata")
def import_testdata() -> None:
    """Import the real ORCA events of the package km3net-testdata."""
    from opendata.importers import testdata

    click.echo(f"{testdata.import_events()} records published.")
