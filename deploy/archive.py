"""Save the platform's images to files for hosts: `make archive [IMAGES="stack"]`.

Writes one file per image to `deploy/archive`, named by the image's identifier, and `images.json`,
which lists them. Files that exist are kept.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import signing

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "deploy" / "archive"
NAMES = ("hub", "proxy", "broker", "firewall", "homes", "opendata", "stack", "joint")
#: Higher levels cost more time here than they save in the transfer.
COMPRESSION = 1


class ArchiveError(click.ClickException):
    """An image is missing or could not be saved."""


def inspect(image: str) -> dict[str, Any]:
    """Return the engine's description of an image.

    Raises
    ------
    ArchiveError
        If there is no image of that name.
    """
    done = subprocess.run(["docker", "image", "inspect", image], capture_output=True, text=True)
    if done.returncode:
        raise ArchiveError(f"there is no image {image}; run: make images")
    return dict(json.loads(done.stdout)[0])


def save(image: str, path: Path) -> None:
    """Write an image to `path`, compressed; a file of that name is always complete."""
    draft = path.with_suffix(".part")
    with (
        subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as process,
        gzip.open(draft, "wb", compresslevel=COMPRESSION) as stream,
    ):
        shutil.copyfileobj(process.stdout, stream, 1024**2)  # type: ignore[type-var]
    if process.returncode:
        draft.unlink()
        raise ArchiveError(f"docker save {image} failed; is the disk full?")
    draft.rename(path)


def bill_of_materials(image: str) -> str:
    """Return the bill of materials in an image.

    Raises
    ------
    ArchiveError
        If it has none.
    """
    read = ["docker", "run", "--rm", "--network=none", "--entrypoint=cat"]
    done = subprocess.run([*read, image, "/opt/sbom.cdx.json"], capture_output=True, text=True)
    if done.returncode:
        raise ArchiveError(f"the image {image} has no bill of materials; run: make images")
    return done.stdout


def digest(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def entry(name: str, version: str, folder: Path) -> dict[str, str]:
    """Save one image and return its entry in `images.json`."""
    found = inspect(f"km3net/{name}:{version}")
    short = found["Id"].removeprefix("sha256:")[:12]
    tag = f"{version}-{short}"
    file = folder / f"{name}-{short}.tar.gz"
    if not file.exists():
        began = time.monotonic()
        # The file carries this name to the host; it never stands for another image.
        subprocess.run(["docker", "tag", found["Id"], f"km3net/{name}:{tag}"], check=True)
        save(f"km3net/{name}:{tag}", file)
        # Here the name would only keep the image after a newer one is built.
        untag = ["docker", "image", "rm", f"km3net/{name}:{tag}"]
        subprocess.run(untag, check=True, stdout=subprocess.DEVNULL)
        size = file.stat().st_size / 1e6
        click.echo(f"  {file.name}: {size:,.0f} MB, {time.monotonic() - began:.0f} s")
    labels = found["Config"].get("Labels") or {}
    bill = folder / f"{name}-{short}.cdx.json"
    bill.write_text(bill_of_materials(found["Id"]))
    return {
        "tag": tag,
        "id": found["Id"],
        "revision": labels.get("org.opencontainers.image.revision", "unknown"),
        "file": file.name,
        "sha256": digest(file),
        "bill": bill.name,
        "bill_sha256": digest(bill),
    }


def write(names: tuple[str, ...], version: str, folder: Path) -> Path:
    """Save images, update `images.json`, and remove the files of older images.

    Returns
    -------
    pathlib.Path
        `images.json`.
    """
    index = folder / "images.json"
    known: dict[str, Any] = json.loads(index.read_text())["images"] if index.exists() else {}
    for name in names:
        known[f"km3net/{name}"] = entry(name, version, folder)
    index.write_text(json.dumps({"images": known}, indent=2, sort_keys=True) + "\n")
    wanted = {image["file"] for image in known.values()}
    bills = {image["bill"] for image in known.values() if "bill" in image}
    for file in (*folder.glob("*.tar.gz"), *folder.glob("*.cdx.json")):
        if file.name not in wanted | bills:
            file.unlink()
    size = sum((folder / file).stat().st_size for file in wanted) / 1e6
    click.echo(f"{index}: {len(known)} images, {size:,.0f} MB")
    return index


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Wait until no other process writes to the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            click.echo("waiting until another process has written the archive ...")
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(NAMES), metavar="[IMAGE]...")
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), default=FOLDER, show_default=True
)
@click.option(
    "--sign", "key", type=click.Path(path_type=Path, dir_okay=False), help="Sign with this key."
)
def main(names: tuple[str, ...], folder: Path, key: Path | None) -> None:
    """Save images for hosts, by default all of them."""
    # In .venv, whose Python runs this command; that of deploy/.venv imports the rest.
    from km3up.version import version_of

    with alone(folder):
        index = write(names or NAMES, version_of(ROOT), folder)
        # Of an older archive.
        signing.signature_of(index).unlink(missing_ok=True)
        if key:
            signing.sign(index, key)
            click.echo(f"{signing.signature_of(index)}: signed with {key}")


if __name__ == "__main__":
    sys.exit(main())
