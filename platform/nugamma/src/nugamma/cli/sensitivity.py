"""``nugamma sensitivity``: sensitivity and discovery potential of neutrino telescopes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
from astropy import units as u

from nugamma.cli.options import FILE, make_folder_of
from nugamma.errors import NugammaError

if TYPE_CHECKING:
    from nugamma.responses.pointsource import NeutrinoTelescope

CHANNELS = {"arca230-track": "track", "arca230-shower": "shower"}


@click.command()
@click.option(
    "--telescope",
    type=click.Choice(["arca", *CHANNELS]),
    default="arca",
    show_default=True,
    help="arca: response in km3irf. arca230: tables of ARCA with 230 lines, in --response.",
)
@click.option(
    "--response",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with the telescope's tables.",
)
@click.option(
    "--declination",
    type=click.FloatRange(-90, 90),
    multiple=True,
    help="Degrees; repeat for several. [default: 40 bins of sin(declination)]",
)
@click.option(
    "--index",
    type=click.FloatRange(1, 5),
    multiple=True,
    default=(2.0,),
    show_default=True,
    help="Spectral index; repeat for several.",
)
@click.option("--years", type=click.FloatRange(0, min_open=True), default=10.0, show_default=True)
@click.option("--level", type=click.FloatRange(0.5, 0.999), default=0.9, show_default=True)
@click.option(
    "--method",
    type=click.Choice(["classical", "feldman-cousins", "cls"]),
    default="classical",
    show_default=True,
    help="Method of the limits.",
)
@click.option("--out", type=FILE, required=True, help="ECSV file to write.")
def sensitivity(
    *,
    telescope: str,
    response: Path | None,
    declination: tuple[float, ...],
    index: tuple[float, ...],
    years: float,
    level: float,
    method: str,
    out: Path,
) -> None:
    """Sensitivity and 3 and 5 sigma discovery potential against declination and index."""
    from nugamma.neutrino.sensitivity import DECLINATIONS, sensitivity_curve, write_curve

    make_folder_of(out)
    places = u.Quantity(declination, "deg") if declination else DECLINATIONS
    table = sensitivity_curve(
        _telescope(telescope, response),
        places,
        index,
        livetime=u.Quantity(years, "yr").to("day"),
        level=level,
        method=method,  # type: ignore[arg-type]
    )
    try:
        write_curve(table, out)
    except OSError as error:
        raise NugammaError(f"{out} cannot be written: {error.strerror or error}") from error
    if not np.isfinite(table["sensitivity"]).any():
        click.echo(f"{len(table)} rows; {table.meta['telescope']} sees none of these declinations")
        return
    best = table[np.argmin(table["sensitivity"])]
    click.echo(
        f"{len(table)} rows; best {best['sensitivity'].value:.2e} TeV-1 cm-2 s-1 at 1 TeV, "
        f"declination {best['declination'].value:.0f} deg, index {best['index']:g}"
    )


def _telescope(name: str, folder: Path | None) -> NeutrinoTelescope:
    from nugamma.neutrino.arca import ArcaTelescope
    from nugamma.responses.arca import ArcaResponse
    from nugamma.responses.arca230 import Arca230

    if name == "arca":
        return ArcaTelescope(ArcaResponse.read(folder))
    if folder is None:
        raise NugammaError(f"--telescope {name} needs --response, the folder with its tables")
    return Arca230.read(folder, CHANNELS[name])  # type: ignore[arg-type]
