"""`km3hub cite`: how to cite an environment."""

from __future__ import annotations

import os
from pathlib import Path

import click

import km3hub
from km3hub.citation.contents import CitationError, Contents, from_bill, from_image, from_lock
from km3hub.citation.formats import FILES
from km3settings.menu import Environment
from km3settings.runtime import FILE_VARIABLE
from km3settings.settings import SettingsError, load
from km3settings.summary import DEFAULT_FILE

__all__ = ["cite"]

#: The locks of a checkout.
_LOCKS = Path("platform/locks")


@click.command()
@click.argument("environment")
@click.option(
    "--output", type=click.Path(path_type=Path, file_okay=False),
    help="The folder for the files (default: citation-ENVIRONMENT).",
)  # fmt: skip
@click.option(
    "--bom", type=click.Path(path_type=Path, dir_okay=False),
    help="A bill of materials, e.g. the portal's /software/NAME.cdx.json (default: the image's).",
)  # fmt: skip
def cite(environment: str, output: Path | None, bom: Path | None) -> None:
    """Write CITATION.cff, citation.bib and an RO-Crate of ENVIRONMENT.

    They name its version, its image and its packages, with the papers to cite for these. Run it in
    the checkout; exit codes: 0 success, 1 the contents are unknown, 2 no such environment.
    """
    found = _environment(environment)
    try:
        contents = _contents(found, bom)
    except CitationError as error:
        raise click.ClickException(str(error)) from None
    folder = output or Path(f"citation-{environment}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in FILES.items():
            (folder / name).write_text(text(contents), encoding="utf-8")
    except OSError as error:
        raise click.ClickException(
            f"{error.filename} cannot be written: {error.strerror}"
        ) from None
    identity = f"image {contents.digest[:19]}" if contents.digest else "without an image"
    click.echo(f"{folder}: {', '.join(FILES)}")
    click.echo(f"{environment} {contents.version}, {identity}, {len(contents.packages)} packages")


def _environment(name: str) -> Environment:
    given = os.environ.get(FILE_VARIABLE)
    file = Path(given) if given else DEFAULT_FILE
    try:
        settings = load(file if given or file.exists() else None)
    except SettingsError as error:
        raise click.UsageError(str(error)) from None
    known = {environment.name: environment for environment in settings.environments}
    if name not in known:
        raise click.UsageError(f"there is no environment {name!r}; choose from: {', '.join(known)}")
    return known[name]


def _contents(environment: Environment, bom: Path | None) -> Contents:
    name, title, image = environment.name, environment.title, environment.image
    if bom:
        return from_bill(name, title, image, file=bom, version=km3hub.__version__)
    try:
        return from_image(name, title, image)
    except CitationError:
        # Without containers the environment is installed from its lock.
        lock = _LOCKS / f"{name}.txt"
        if not lock.exists():
            raise
        return from_lock(name, title, file=lock, version=km3hub.__version__)
