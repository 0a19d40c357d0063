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
from nugamma.inference.problem import Problem
from nugamma.sources import Source

if TYPE_CHECKING:
    from nugamma.datasets import Instrument
    from nugamma.running.study import Study

Command = TypeVar("Command", bound=Callable[..., Any])
FILE = click.Path(path_type=Path, dir_okay=False)


class CtaResponseType(click.Path):
    """A FITS file, or the name of a response released by CTAO."""

    name = "file or name"

    def __init__(self) -> None:
        super().__init__(path_type=Path, exists=True, dir_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Returns the path of the file; None for the packaged table."""
        if Path(value).exists() or not re.fullmatch(r"(south|north)-\d+deg", str(value)):
            return super().convert(value, param, ctx)
        from nugamma.responses.prod5 import released_file  # imports gammapy, which takes seconds

        return released_file(str(value))


def cache_folder() -> Path:
    """Returns the cache of datasets: NUGAMMA_CACHE, else a folder in the user's cache."""
    given = os.environ.get("NUGAMMA_CACHE")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(given) if given else home / "nugamma"


def source_argument(command: Command) -> Command:
    """Adds the source as argument of a command."""
    return click.argument("source")(command)


def dataset_options(command: Command) -> Command:
    """Adds the options for the inputs and the cache of datasets."""
    options = [
        click.option(
            "--cta-response",
            type=CtaResponseType(),
            envvar="NUGAMMA_CTA_RESPONSE",
            help="FITS file of CTA's response (Prod5), or site and zenith angle, as in north-40deg "
            "(its file is searched below NUGAMMA_CTA_FOLDER and GAMMAPY_DATA); by default the "
            "table in nugamma, South at 20 deg. "
            "[env: NUGAMMA_CTA_RESPONSE]",
        ),
        click.option(
            "--arca-response",
            type=click.Path(path_type=Path, exists=True, file_okay=False),
            envvar="NUGAMMA_ARCA_RESPONSE",
            help="Folder of ARCA's response; by default that in km3irf. "
            "[env: NUGAMMA_ARCA_RESPONSE]",
        ),
        click.option(
            "--time-step",
            type=click.FloatRange(0.1, 240),
            default=8.0,
            show_default=True,
            help="Hours between the evaluated positions of the source over ARCA.",
        ),
        click.option(
            "--cache",
            type=click.Path(path_type=Path, file_okay=False),
            envvar="NUGAMMA_CACHE",
            help="Folder that keeps datasets. [env: NUGAMMA_CACHE; default: nugamma in the user's "
            "cache folder]",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def make_folder_of(path: Path) -> None:
    """Creates the folder of a file.

    Raises
    ------
    NugammaError
        If it cannot be created.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NugammaError(f"cannot create the folder {path.parent}: {error.strerror}") from error


def worker_options(command: Command) -> Command:
    """Adds the options for where the work is done."""
    options = [
        click.option(
            "--workers",
            type=click.IntRange(1),
            help="Processes on this machine. [default: one per core]",
        ),
        click.option("--scheduler", help="Dask scheduler to use instead, tcp://HOST:PORT."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def seed_option(command: Command) -> Command:
    """Adds the option for the seed."""
    return click.option(
        "--seed", type=click.IntRange(0), default=1, show_default=True, help="Of random numbers."
    )(command)


def report(message: str) -> None:
    """Prints progress on standard error."""
    click.echo(message, err=True)


def progress_disabled() -> bool | None:
    """Returns tqdm's `disable`, so that bars are shown on terminals only."""
    return None if sys.stderr.isatty() else True


def instruments(
    cta_response: Path | None, arca_response: Path | None, time_step: float
) -> list[Instrument]:
    """Returns CTA and ARCA with these options."""
    from nugamma.datasets.published import ARCA, CTA  # gammapy, which takes seconds to import

    step = u.Quantity(time_step, "h")
    return [
        CTA.replace(response=cta_response),
        ARCA.replace(response=arca_response, time_step=step),
    ]


def prepared(source: Source, cache: Path | None = None, **options: Any) -> Problem:
    """Returns the problem of a source; `options` are those of `instruments`."""
    from nugamma.datasets import build

    folder = cache or cache_folder()
    return Problem.of(source, build(source, instruments(**options), cache=folder, report=report))


def made_from(
    source: Source, problem: Problem, study: Study, cache: Path | None = None, **options: Any
) -> dict[str, Any]:
    """Returns what a scan is made from; `options` are those of `instruments`.

    The cache is not part of it: the datasets are the same in any.
    """
    from nugamma.datasets import inputs
    from nugamma.running.origin import scan_origin

    datasets = inputs(source, instruments(**options))
    return scan_origin(source, problem, study, datasets=datasets, options=options)


def name_or_file(name: str) -> str | Path:
    """Returns a source for `nugamma.running.provenance`: its name, or its file."""
    return Path(name) if Path(name).is_file() else name
