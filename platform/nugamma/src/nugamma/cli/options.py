"""Options that several commands share."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from astropy import units as u

from nugamma.errors import NugammaError
from nugamma.inference.problem import Problem, of_source
from nugamma.sources import Source

if TYPE_CHECKING:
    from nugamma.datasets import FoldedDataset
    from nugamma.running.study import Study

Command = TypeVar("Command", bound=Callable[..., Any])
FILE = click.Path(path_type=Path, dir_okay=False)


class CtaResponseType(click.Path):
    """A FITS file, or the name of one of CTAO's released responses."""

    name = "file or name"

    def __init__(self) -> None:
        super().__init__(path_type=Path, exists=True, dir_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path of the file; None for the packaged table."""
        if Path(value).exists() or not re.fullmatch(r"(south|north)-\d+deg", str(value)):
            return super().convert(value, param, ctx)
        from nugamma.responses.prod5 import released_file  # imports gammapy, which takes seconds

        return released_file(str(value))


def cache_folder() -> Path:
    """Where datasets are kept: NUGAMMA_CACHE, else below the user's cache folder."""
    given = os.environ.get("NUGAMMA_CACHE")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(given) if given else home / "nugamma"


def source_argument(command: Command) -> Command:
    """The source that a command is about."""
    return click.argument("source")(command)


def dataset_options(command: Command) -> Command:
    """What datasets are made from, and where they are kept."""
    options = [
        click.option(
            "--cta-response",
            type=CtaResponseType(),
            envvar="NUGAMMA_CTA_RESPONSE",
            help="FITS file of CTA's response (Prod5), or site and zenith angle, as in north-40deg "
            "(its file is looked for below NUGAMMA_CTA_FOLDER and GAMMAPY_DATA); by default the "
            "compact table of nugamma, South at 20 deg. "
            "[env: NUGAMMA_CTA_RESPONSE]",
        ),
        click.option(
            "--arca-response",
            type=click.Path(path_type=Path, exists=True, file_okay=False),
            envvar="NUGAMMA_ARCA_RESPONSE",
            help="Folder of ARCA's response; by default that of km3irf. "
            "[env: NUGAMMA_ARCA_RESPONSE]",
        ),
        click.option(
            "--time-step",
            type=click.FloatRange(0.1, 240),
            default=8.0,
            show_default=True,
            help="Hours between the instants at which the source's path over ARCA is followed.",
        ),
        click.option(
            "--cache",
            type=click.Path(path_type=Path, file_okay=False),
            envvar="NUGAMMA_CACHE",
            help="Folder in which datasets are kept. [env: NUGAMMA_CACHE; default: nugamma in "
            "the user's cache folder]",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def make_folder_of(path: Path) -> None:
    """Make the folder in which a file is to be written.

    Raises
    ------
    NugammaError
        If it cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NugammaError(f"folder {path.parent} cannot be made: {error.strerror}") from error


def worker_options(command: Command) -> Command:
    """Where the work is done."""
    options = [
        click.option(
            "--workers",
            type=click.IntRange(1),
            help="Processes on this machine. [default: one a core]",
        ),
        click.option("--scheduler", help="Dask scheduler to use instead, tcp://HOST:PORT."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def seed_option(command: Command) -> Command:
    """Seed of all random numbers."""
    return click.option(
        "--seed", type=click.IntRange(0), default=1, show_default=True, help="Of random numbers."
    )(command)


def report(message: str) -> None:
    """Tell what happens, on standard error."""
    click.echo(message, err=True)


def progress_is_shown() -> bool | None:
    """For tqdm's `disable`: bars only where somebody looks."""
    return None if sys.stderr.isatty() else True


def folded(
    source: Source,
    cta_response: Path | None,
    arca_response: Path | None,
    time_step: float,
    cache: Path | None,
) -> list[FoldedDataset]:
    """Datasets of a source, from the cache where it has them."""
    from nugamma.datasets import build  # gammapy takes a second or two

    return build(
        source,
        cta_response=cta_response,
        arca_response=arca_response,
        time_step=u.Quantity(time_step, "h"),
        cache=cache or cache_folder(),
        report=report,
    )


def made_from(
    source: Source, problem: Problem, study: Study, cache: Path | None = None, **datasets: Any
) -> dict[str, Any]:
    """What a scan is made from; the options of datasets but for their cache go with it."""
    from nugamma.datasets import inputs
    from nugamma.running.origin import scan_origin

    hours = datasets["time_step"]
    quantities = {**datasets, "time_step": u.Quantity(hours, "h")}
    return scan_origin(
        source, problem, study, datasets=inputs(source, **quantities), options=datasets
    )


def described(name: str) -> str | Path:
    """A source for `nugamma.running.provenance`: its name, or its file."""
    return Path(name) if Path(name).is_file() else name


def prepared(source: Source, **datasets: Any) -> Problem:
    """The problem of a source."""
    return of_source(source, folded(source, **datasets))
