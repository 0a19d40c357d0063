"""``nugamma plot``: figures of what the other commands wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
from astropy import units as u
from astropy.table import QTable
from matplotlib.figure import Figure

from nugamma.cli.options import FILE, noted_source
from nugamma.errors import NugammaError
from nugamma.inference import figures
from nugamma.running.results import read_json
from nugamma.spectra import ParticleSpectrum, SpectralOperator

FORMATS = (".pdf", ".png", ".svg")
MOST_PANELS = 3


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=FILE)
@click.option(
    "--intervals", is_flag=True, help="Of scans: intervals of f instead of delta TS curves."
)
@click.option("--out", type=FILE, required=True, help="Figure to write: .pdf, .png or .svg.")
def plot(files: tuple[Path, ...], intervals: bool, out: Path) -> None:
    """Draw FILES: scans, one fit, or one sensitivity table."""
    if out.suffix not in FORMATS:
        raise NugammaError(f"{out}: figures end in {', '.join(FORMATS)}")
    figure = _figure(files, intervals)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=figures.STYLE["savefig.dpi"])
    click.echo(str(out))


def _figure(files: tuple[Path, ...], intervals: bool) -> Figure:
    if files[0].suffix == ".ecsv":
        return _sensitivity(files[0])
    documents = [read_json(path) for path in files]
    kinds = {document.get("kind") for document in documents}
    if kinds == {"fit"} and len(documents) == 1:
        return _fit(documents[0])
    if kinds != {"scan"}:
        raise NugammaError("give scans, one fit or one sensitivity table, not a mixture")
    if intervals or len(documents) > MOST_PANELS:
        return figures.limits_figure(documents)
    return figures.scan_figure(documents)


def _sensitivity(path: Path) -> Figure:
    """Against declination; of one declination against the index."""
    from nugamma.neutrino.figures import plot_index, plot_sensitivity

    try:
        table = QTable.read(path)
        one = len(np.unique(table["declination"])) == 1 < len(np.unique(table["index"]))
        axes = (plot_index if one else plot_sensitivity)(table)
    except (OSError, ValueError, KeyError) as error:
        raise NugammaError(f"{path} is no sensitivity table: {error}") from error
    figure: Figure = axes.figure
    return figure


def _fit(document: dict[str, Any]) -> Figure:
    source = noted_source(document)
    energy = u.Quantity(np.geomspace(0.1, 200, 120), "TeV")
    curves = {}
    for name, model, kind in (
        ("hadronic", "hadronic", "pion-gamma"),
        ("neutrino", "hadronic", "pion-neutrino"),
        ("leptonic", "leptonic", "inverse-compton"),
    ):
        values = {key: part["value"] for key, part in document[model]["parameters"].items()}
        operator = SpectralOperator.differential(
            energy,
            kind,
            source.distance,
            target_density=source.target_density,
            photon_fields=source.photon_fields,
        )
        curves[name] = (energy.value, operator.flux(ParticleSpectrum(**values)).value)
    points = source.flux_points
    if points is None:
        return figures.fit_figure(document, None, curves)
    flux = points["dnde"].to_value("cm-2 s-1 TeV-1")
    error = points["dnde_err"].to_value("cm-2 s-1 TeV-1")
    return figures.fit_figure(document, (points["e_ref"].to_value("TeV"), flux, error), curves)
