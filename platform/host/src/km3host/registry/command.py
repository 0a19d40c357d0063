"""`km3host registry`: transfer images through the platform's registry."""

from __future__ import annotations

from pathlib import Path

import click

from km3host.registry.transfer import Image, pull, push

__all__ = ["registry"]

_PASSWORD = click.option(
    "--password-file", type=click.Path(path_type=Path, dir_okay=False, exists=True), required=True,
    # What Ansible passes to a command's standard input ends up in the journal.
    help="A file with the registry's password.",
)  # fmt: skip


@click.group()
def registry() -> None:
    """Transfer images through the platform's registry.

    The last line of output is what was done (there, pushed or pulled) and the digest.
    """


@registry.command("push")
@click.argument("address")
@click.argument("name")
@click.argument("identifier", metavar="ID")
@_PASSWORD
def push_image(address: str, name: str, identifier: str, password_file: Path) -> None:
    """Push this machine's image NAME:TAG, whose identifier must be ID."""
    image = Image(address, name, identifier, password_file.read_text().strip())
    click.echo(" ".join(push(image)))


@registry.command("pull")
@click.argument("address")
@click.argument("name")
@click.argument("identifier", metavar="ID")
@click.option("--digest", required=True, help="The digest that `push` printed.")
@_PASSWORD
def pull_image(address: str, name: str, identifier: str, digest: str, password_file: Path) -> None:
    """Pull the image NAME:TAG by its digest; its identifier must be ID."""
    image = Image(address, name, identifier, password_file.read_text().strip())
    click.echo(" ".join(pull(image, digest)))
