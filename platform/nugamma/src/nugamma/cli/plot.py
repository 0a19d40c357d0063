"""``nugamma plot``: figures of the results of other commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
from astropy import units as u
from astropy.table import QTable
from matplotlib.figure import Figure

from nugamma.cli.options import FILE, make_folder_of
from nugamma.errors import NugammaError
from nugamma.inference import figures
from nugamma.running.contents import source_of
from nugamma.running.results import check_alike, check_format, read_json, scan_document
from nugamma.sources import Source
from nugamma.spectra import ParticleSpectrum, SpectralOperator

FORMATS = (".pdf", ".png", ".svg")
#: Scans in one figure of curves; more are drawn as intervals.
MAX_PANELS = 3
TEN_TEV = u.Quantity([10.0], "TeV")


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=FILE)
@click.option(
    "--intervals", is_flag=True, help="For scans: intervals of f instead of delta TS curves."
)
@click.option("--out", type=FILE, required=True, help="Figure to write: .pdf, .png or .svg.")
def plot(files: tuple[Path, ...], intervals: bool, out: Path) -> None:
    """Draw FILES: scans, one fit, or one sensitivity table."""
    if out.suffix not in FORMATS:
        raise NugammaError(
            f"{out}: unknown format; use a file name that ends in {', '.join(FORMATS)}"
        )
    figure = _figure(files, intervals)
    make_folder_of(out)
    try:
        figure.savefig(out, dpi=figures.STYLE["savefig.dpi"])
    except OSError as error:
        raise NugammaError(f"{out} cannot be written: {error.strerror or error}") from error
    click.echo(str(out))


def _figure(files: tuple[Path, ...], intervals: bool) -> Figure:
    if intervals and any(path.suffix == ".ecsv" for path in files):
        raise NugammaError("--intervals is for scans only")
    if len(files) == 1 and files[0].suffix == ".ecsv":
        return _sensitivity(files[0])
    if any(path.suffix == ".ecsv" for path in files):
        raise NugammaError("give scans, one fit or one sensitivity table, not a mixture")
    contents = [read_json(path) for path in files]
    kinds = {content.get("kind") for content in contents}
    if kinds == {"fit"} and len(contents) == 1:
        if intervals:
            raise NugammaError("--intervals is for scans only")
        return _fit(files[0], contents[0])
    if kinds != {"scan"}:
        raise NugammaError("give scans, one fit or one sensitivity table, not a mixture")
    documents = [scan_document(*pair) for pair in zip(files, contents, strict=True)]
    check_alike(documents)
    if intervals or len(documents) > MAX_PANELS:
        return figures.limits_figure(contents)
    return figures.scan_figure(contents)


def _sensitivity(path: Path) -> Figure:
    """Returns sensitivity against declination, or against the index for one declination."""
    from nugamma.neutrino.figures import plot_index, plot_sensitivity

    try:
        table = QTable.read(path)
        if not np.isfinite(table["sensitivity"]).any():
            raise NugammaError(
                f"{path}: none of its declinations is visible, so there is nothing to plot"
            )
        one = len(np.unique(table["declination"])) == 1 < len(np.unique(table["index"]))
        axes = (plot_index if one else plot_sensitivity)(table)
    except NugammaError:
        raise
    except (OSError, ValueError, KeyError) as error:
        raise NugammaError(f"{path} is not a sensitivity table: {error}") from error
    figure: Figure = axes.figure
    return figure


def _fit(path: Path, document: dict[str, Any]) -> Figure:
    """Returns flux points and the two models, for the source in the result."""
    check_format(path, document, "fit")
    try:
        return _drawn_fit(path, document, source_of(document["made_from"]["source"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise NugammaError(f"{path} is damaged ({error}); run `nugamma fit` again") from error


def _drawn_fit(path: Path, document: dict[str, Any], source: Source) -> Figure:
    energy = u.Quantity(np.geomspace(0.1, 200, 120), "TeV")
    environment: Any = {
        "target_density": source.target_density,
        "photon_fields": source.photon_fields,
    }
    curves = {}
    for name, model, kind in (
        ("hadronic", "hadronic", "pion-gamma"),
        ("neutrino", "hadronic", "pion-neutrino"),
        ("leptonic", "leptonic", "inverse-compton"),
    ):
        values = {key: part["value"] for key, part in document[model]["parameters"].items()}
        spectrum = ParticleSpectrum(**values)
        operator = SpectralOperator.differential(energy, kind, source.distance, **environment)
        curves[name] = (energy.value, operator.flux(spectrum).value)
        at_10 = SpectralOperator.differential(TEN_TEV, kind, source.distance, **environment)
        stored = document[model]["dnde_10TeV"]["neutrino" if name == "neutrino" else "gamma"]
        if not np.isclose(at_10.flux(spectrum).value[0], stored, rtol=1e-6, atol=0):
            raise NugammaError(
                f"{path}: its parameters do not reproduce its fluxes in this version of nugamma "
                f"({name} at 10 TeV); run `nugamma fit` again"
            )
    points = source.flux_points
    if points is None:
        return figures.fit_figure(document, None, curves)
    flux = points["dnde"].to_value("cm-2 s-1 TeV-1")
    error = points["dnde_err"].to_value("cm-2 s-1 TeV-1")
    return figures.fit_figure(document, (points["e_ref"].to_value("TeV"), flux, error), curves)
