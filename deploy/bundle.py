"""Write the platform as one file for a machine without network: `make bundle`.

The bundle is an uncompressed tar file: the installer, the images, the committed files of this
checkout (with the tutorials), the wheels that `make up` installs, and `manifest.json` with size and
SHA-256 of each part. It is written once, from front to back, without temporary copies.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Any

import click
from archive import NAMES, ArchiveError, alone, inspect
from bundling import wheels
from bundling.stream import BundleWriter, Counted

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "deploy" / "bundle"
PARTS = ROOT / "deploy" / "bundling"
FORMAT = 1
_CHUNK = 1024**2


def copy_output(command: list[str], stream: IO[bytes] | Counted, problem: str) -> None:
    """Write what a command prints to a stream.

    Raises
    ------
    click.ClickException
        `problem`, if it does not succeed.
    """
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None  # noqa: S101 - for the type checker
        while data := process.stdout.read(_CHUNK):
            stream.write(data)
    if process.returncode:
        raise click.ClickException(problem)


def describe(tag: str) -> tuple[dict[str, str], str]:
    """Return the identifiers of the platform's images, and their architecture.

    Raises
    ------
    archive.ArchiveError
        If one is missing, or they are of several architectures.
    """
    found = {f"km3net/{name}:{tag}": inspect(f"km3net/{name}:{tag}") for name in NAMES}
    architectures = {str(image["Architecture"]) for image in found.values()}
    if len(architectures) != 1:
        raise ArchiveError(f"the images are of several architectures: {sorted(architectures)}")
    return {name: str(image["Id"]) for name, image in found.items()}, architectures.pop()


def write(bundle: Path, *, version: str, tag: str, wheelhouse: Path) -> dict[str, Any]:
    """Write a bundle; a file of that name is always complete.

    Returns
    -------
    dict
        Its manifest.
    """
    images, architecture = describe(tag)
    wheels.fetch(ROOT / "platform" / "locks", wheelhouse, architecture=architecture)
    draft = bundle.with_suffix(".part")
    code = (PARTS / "install.py").read_bytes()
    pythons = " ".join(wheels.PYTHONS)
    start = (PARTS / "km3net-install").read_text().replace("@PYTHONS@", pythons)
    start = start.replace("@SHA256@", hashlib.sha256(code).hexdigest())
    try:
        with draft.open("wb") as stream:
            writer = BundleWriter(stream)
            with writer.part("km3net-install", mode=0o755) as part:
                part.write(start.encode())
            with writer.part("install.py") as part:
                part.write(code)
            with writer.compressed("source.tar.gz") as source:
                problem = "the committed files could not be read; is this a git checkout?"
                copy_output(["git", "archive", "--format=tar", "HEAD"], source, problem)
            with writer.part("wheels.tar") as part:
                sizes = wheels.write(wheelhouse, part)
            with writer.compressed("images.tar.gz") as saved:
                problem = "docker save failed; is the disk full?"
                copy_output(["docker", "save", *images], saved, problem)
            manifest = {
                "format": FORMAT,
                "version": version,
                "architecture": architecture,
                "pythons": list(wheels.PYTHONS),
                "images": images,
                "unpacked": {
                    "images.tar.gz": saved.size,
                    "source.tar.gz": source.size,
                    "wheels.tar": sizes["size"],
                },
                "environment": sizes["installed"],
                "parts": dict(writer.parts),
            }
            with writer.part("manifest.json") as part:
                part.write(json.dumps(manifest, indent=2, sort_keys=True).encode())
            writer.close()
        draft.rename(bundle)
    finally:
        draft.unlink(missing_ok=True)
    return manifest


@click.command()
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), default=FOLDER, show_default=True
)
@click.option("--tag", help="The images' tag (default: this version).")
def main(folder: Path, tag: str | None) -> None:
    """Write images, tutorials, data and an installer as one file."""
    from km3up.version import version_of

    version = version_of(ROOT)
    began = time.monotonic()
    with alone(folder):
        _, architecture = describe(tag or version)
        bundle = folder / f"km3net-{version}-{architecture}.tar"
        click.echo(f"Writing {bundle} ...")
        write(bundle, version=version, tag=tag or version, wheelhouse=folder / "wheels")
        with bundle.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        bundle.with_suffix(".tar.sha256").write_text(f"{digest}  {bundle.name}\n")
    size = bundle.stat().st_size / 1e6
    click.echo(f"{bundle}: {size:,.0f} MB, {time.monotonic() - began:.0f} s, SHA-256 {digest}")
    click.echo(f"Install: tar -xf {bundle.name} km3net-install && sh km3net-install {bundle.name}")


if __name__ == "__main__":
    sys.exit(main())
