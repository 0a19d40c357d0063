"""Build the platform's images: `make images [IMAGES="stack joint"]`.

Prints one line per step; the engine's full output is in .platform/logs/image-NAME.log.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import click
from building import certificates, debian, engine, recipes, steps
from filelock import FileLock, Timeout
from rich.console import Console
from rich.table import Table

#: Environment variables of this machine that builds need too: its web proxy.
PASSED_ON = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")

FAILURES = (
    certificates.CertificateError,
    debian.BaseImageError,
    engine.EngineError,
    recipes.RecipeError,
    steps.BuildError,
)


@dataclass(frozen=True)
class Built:
    """One line of the summary."""

    recipe: recipes.Recipe
    seconds: float
    cached: bool


@click.command()
@click.argument("names", nargs=-1, metavar="[IMAGE]...")
@click.option("--base-image", default="debian:trixie-slim", show_default=True, envvar="BASE_IMAGE")
@click.option(
    "--site-ca",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with certificates of the site's authorities, added to those this machine trusts.",
)
@click.option("--no-site-ca", is_flag=True, help="Do not copy certificates from this machine.")
def main(
    names: tuple[str, ...], base_image: str, site_ca: tuple[Path, ...], no_site_ca: bool
) -> None:
    """Build the named images and their parents; without names, all of them."""
    console = Console(highlight=False, soft_wrap=True)
    logs = recipes.ROOT / ".platform" / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    built: list[Built] = []
    # Two builds at a time would do everything twice and write to the same logs.
    alone = FileLock(logs / "images.lock")
    try:
        wanted = recipes.in_order(list(names))
        engine.check()
        if not _taken(alone):
            console.print("waiting for another `make images` in this checkout to finish ...")
            alone.acquire()
        folder = recipes.ROOT / "images/base/certs"
        files = [] if no_site_ca else certificates.sources(list(site_ca))
        authorities = certificates.stage(files, folder)
        if authorities:
            console.print(f"adding this machine's site certificates: {', '.join(authorities)}")
        debian.provide(base_image, console.print, logs / "image-debian.log")
        for recipe in wanted:
            built.append(_build(recipe, base_image, logs, console))
            _keep_bill(recipe)
    except FAILURES as error:
        summarise(built, console)
        console.print(f"[bold red]make images:[/] {error}", markup=True)
        sys.exit(1)
    finally:
        alone.release()
    summarise(built, console)


def _taken(lock: FileLock) -> bool:
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return False
    return True


def _build(recipe: recipes.Recipe, base_image: str, logs: Path, console: Console) -> Built:
    """Build one image, printing one line per step."""
    version = recipes.version()
    arguments = {name: os.environ[name] for name in PASSED_ON if os.environ.get(name)}
    if recipe.folder == "base":
        arguments["BASE_IMAGE"] = base_image
    else:
        arguments["BASE"] = f"km3net/base-system:{version}"
    if recipe.name == "joint":
        arguments["PARENT"] = f"km3net/stack-libraries:{version}"
    if not recipe.target:
        arguments |= {"VERSION": version, "REVISION": recipes.revision(recipe)}
    console.print(f"[bold]{recipe.repository}:{version}[/]")
    began = time.monotonic()
    cached = True
    with console.status(f"building {recipe.repository}"):
        for step in steps.build(
            dockerfile=recipes.ROOT / "images" / recipe.folder / "Dockerfile",
            context=recipes.ROOT,
            tags=[f"{recipe.repository}:{version}", f"{recipe.repository}:latest"],
            arguments=arguments,
            log=logs / f"image-{recipe.name}.log",
            target=recipe.target,
        ):
            took = "cached" if step.cached else f"{step.seconds:.1f} s"
            what = step.what if len(step.what) <= 72 else step.what[:71] + "…"
            console.print(f"  {step.number:>5}  {took:>8}  {what}", markup=False)
            cached = cached and (step.cached or not step.what.startswith(("RUN", "COPY")))
    return Built(recipe, time.monotonic() - began, cached)


def _keep_bill(recipe: recipes.Recipe) -> None:
    """Write an image's bill of materials to `BILLS`, where `make audit` reads it.

    The portal's image is built last and contains all of them.
    """
    if recipe.target:
        return
    text = engine.bill_of_materials(f"{recipe.repository}:{recipes.version()}")
    recipes.BILLS.mkdir(parents=True, exist_ok=True)
    (recipes.BILLS / f"{recipe.name}.cdx.json").write_text(text)


def summarise(built: list[Built], console: Console) -> None:
    """Print a table of the images that were built."""
    table = Table()
    table.add_column("image", no_wrap=True)
    for heading in ("size", "Python packages", "Debian packages", "seconds"):
        table.add_column(heading, justify="right")
    for item in built:
        if item.recipe.target:
            continue
        image = f"{item.recipe.repository}:{recipes.version()}"
        manifest = engine.manifest(image)
        seconds = f"{item.seconds:.0f}" + (" (cached)" if item.cached else "")
        table.add_row(
            image,
            f"{engine.size(image) / 1e6:,.0f} MB",
            str(sum(len(packages) for packages in manifest["python"].values())),
            str(len(manifest["debian"])),
            seconds,
        )
    if table.row_count:
        console.print(table)


if __name__ == "__main__":
    main()
