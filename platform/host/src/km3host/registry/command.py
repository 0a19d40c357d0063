"""`km3host registry`: transfer images through the platform's registry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from km3host.registry.distribution import Registry
from km3host.registry.signature import attach, claims, verify
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
    click.echo(" ".join(push(_image(address, name, identifier, password_file))))


def _image(address: str, name: str, identifier: str, password_file: Path) -> Image:
    return Image(address, name, identifier, password_file.read_text().strip())


_KEY = click.option(
    "--key", type=click.Path(path_type=Path, dir_okay=False), help="The public key, in PEM."
)
_DIGEST = click.option("--digest", required=True, help="The digest that `push` printed.")


@registry.command("pull")
@click.argument("address")
@click.argument("name")
@click.argument("identifier", metavar="ID")
@_DIGEST
@_PASSWORD
@_KEY
def pull_image(digest: str, key: Path | None, **image: Any) -> None:
    """Pull the image NAME:TAG by its digest; its identifier must be ID.

    With --key, an image that is not signed with this key is refused.
    """
    click.echo(" ".join(pull(_image(**image), digest, key)))


@registry.command("verify")
@click.argument("address")
@click.argument("name")
@_DIGEST
@_PASSWORD
@click.option(
    "--key", type=click.Path(path_type=Path, dir_okay=False), required=True,
    help="The public key, in PEM.",
)  # fmt: skip
def verify_image(address: str, name: str, digest: str, password_file: Path, key: Path) -> None:
    """Verify the signature of the image NAME (without a tag) in the registry."""
    verify(Registry(address, password_file.read_text().strip()), name, digest, key)
    click.echo(f"verified {digest}")


@registry.command("attach")
@click.argument("address")
@click.argument("name")
@_DIGEST
@_PASSWORD
@click.option("--signature", required=True, help="The signature in base64.")
def attach_signature(
    address: str, name: str, digest: str, password_file: Path, signature: str
) -> None:
    """Store a signature beside the image NAME (without a tag), as `cosign attach signature` does.

    The signed text is the one that `claims` prints.
    """
    found = Registry(address, password_file.read_text().strip())
    attach(found, name, digest, claims(f"{address}/{name}", digest), signature)
    click.echo(f"attached {digest}")


@registry.command("claims")
@click.argument("address")
@click.argument("name")
@_DIGEST
def print_claims(address: str, name: str, digest: str) -> None:
    """Print the text to sign for the image NAME, without a newline at its end."""
    click.echo(claims(f"{address}/{name}", digest), nl=False)
