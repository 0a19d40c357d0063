"""CTA South in a small table: its public response at 18 energies and 10 offsets.

The table (`data/cta-south-20deg-50h.ecsv`) is derived from the public Prod5 response by `tabulate`;
`packaged` turns it into gammapy's classes. It contains the width of a Gaussian point spread
function (the public response has no other shape) and nine quantiles of the energy dispersion;
between its energies and offsets, quantities are interpolated.
"""

from __future__ import annotations

import dataclasses
import hashlib
from importlib.resources import files

import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.table import QTable
from gammapy.irf import PSF3D, Background2D, EffectiveAreaTable2D, EnergyDispersion2D
from gammapy.maps import MapAxis
from scipy.interpolate import PchipInterpolator

from nugamma.responses.cta import CtaResponse

Floats = npt.NDArray[np.float64]

TABLE = "data/cta-south-20deg-50h.ecsv"
OFFSETS = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0) * u.deg
#: Fractions of events whose reconstructed / true energy is below the tabulated values.
QUANTILES = (0.005, 0.025, 0.16, 0.35, 0.5, 0.65, 0.84, 0.975, 0.995)
#: Lowest energy of the table, well below the analysed energies.
LOWEST_ENERGY = 0.05 * u.TeV
#: Energies in the response for each energy in the table.
FINER = 4


def tabulate(response: CtaResponse) -> QTable:
    """Returns the table of a response with a Gaussian point spread function."""
    energies = response.background.axes["energy"].center.to("TeV")
    energies = energies[energies > LOWEST_ENERGY]
    energy, offset = np.meshgrid(energies, OFFSETS, indexing="ij")
    table = QTable({"energy": energy.ravel(), "offset": offset.ravel()})
    area = response.effective_area.evaluate(energy_true=table["energy"], offset=table["offset"])
    table["effective_area"] = area.to("m2")
    gauss = response.psf.evaluate_parameters(energy_true=table["energy"], offset=table["offset"])
    table["psf_sigma"] = u.Quantity(gauss["sigma_1"], "deg")
    rate = response.background.evaluate(
        energy=table["energy"], fov_lon=table["offset"], fov_lat=0 * u.deg
    )
    table["background"] = rate.to("TeV-1 s-1 sr-1")
    quantiles = _migra_quantiles(response.energy_dispersion, table["energy"], table["offset"])
    for level, values in zip(QUANTILES, quantiles.T, strict=True):
        table[_quantile(level)] = values
    return table


def packaged() -> CtaResponse:
    """Returns the response made from the packaged table."""
    source = files("nugamma.responses").joinpath(TABLE)
    content = source.read_bytes()
    table = QTable.read(content.decode(), format="ascii.ecsv")
    made = from_table(table, checksum=hashlib.sha256(content).hexdigest())
    return dataclasses.replace(made, site="south", zenith=20 * u.deg)


def from_table(table: QTable, *, checksum: str) -> CtaResponse:
    """Returns the response made from a table like that of `tabulate`."""
    energies = np.unique(table["energy"].to_value("TeV"))
    offsets = np.unique(table["offset"].to_value("deg"))
    steps = (len(energies) - 1) * FINER
    finer = np.geomspace(energies[0], energies[-1], steps + 1)

    def values(name: str, unit: str, *, logarithmic: bool = True) -> Floats:
        """Returns a column at the finer energies, shape (energies, offsets)."""
        column = u.Quantity(table[name]).to_value(unit).reshape(len(energies), len(offsets))
        lines = np.log(np.maximum(column, 1e-30)) if logarithmic else column
        found = [np.interp(np.log(finer), np.log(energies), line) for line in lines.T]
        return np.exp(np.array(found).T) if logarithmic else np.array(found).T

    energy = MapAxis.from_nodes(finer, interp="log", unit="TeV", name="energy")
    energy_true = energy.copy(name="energy_true")
    offset = MapAxis.from_nodes(offsets, interp="lin", unit="deg", name="offset")
    rad = MapAxis.from_edges(np.linspace(0, 0.7, 141), unit="deg", name="rad")
    migra = MapAxis.from_edges(np.linspace(0, 3, 301), name="migra")

    sigma = np.radians(values("psf_sigma", "deg"))[..., np.newaxis]
    gauss = np.exp(-0.5 * (rad.center.to_value("rad") / sigma) ** 2) / (2 * np.pi * sigma**2)
    quantiles = [values(_quantile(level), "", logarithmic=False) for level in QUANTILES]
    density = _migra_density(np.stack(quantiles, axis=-1), migra.edges.value)
    return CtaResponse(
        effective_area=EffectiveAreaTable2D(
            axes=[energy_true, offset], data=values("effective_area", "m2"), unit="m2"
        ),
        energy_dispersion=EnergyDispersion2D(
            axes=[energy_true, migra, offset], data=np.moveaxis(density, -1, 1)
        ),
        psf=PSF3D(axes=[energy_true, offset, rad], data=gauss, unit="sr-1"),
        background=Background2D(
            axes=[energy, offset],
            data=values("background", "TeV-1 s-1 sr-1"),
            unit="TeV-1 s-1 sr-1",
        ),
        checksum=checksum,
    )


def _quantile(level: float) -> str:
    """Returns the column name of a quantile, for example `migra_500` for the median."""
    return f"migra_{1000 * level:03.0f}"


def _migra_quantiles(edisp: EnergyDispersion2D, energy: u.Quantity, offset: u.Quantity) -> Floats:
    """Returns the `QUANTILES` of reconstructed / true energy."""
    axis = edisp.axes["migra"]
    rows = edisp.evaluate(
        energy_true=energy[:, np.newaxis], offset=offset[:, np.newaxis], migra=axis.center
    ).value
    below = np.cumsum(rows * np.diff(axis.edges.value), axis=1)
    found: list[Floats] = []
    for row in below:
        if row[-1] > 0:
            found.append(np.interp(QUANTILES, row / row[-1], axis.edges.value[1:]))
        else:  # no simulated event at this offset: as for the one before
            found.append(found[-1])
    return np.array(found)


def _migra_density(quantiles: Floats, edges: Floats) -> Floats:
    """Returns the density in bins of migra of a smooth distribution through the quantiles.

    The distribution ends as far beyond the outermost quantiles as these are from the next.
    """
    first = 2 * quantiles[..., :1] - quantiles[..., 1:2]
    last = 2 * quantiles[..., -1:] - quantiles[..., -2:-1]
    places = np.concatenate([first, quantiles, last], axis=-1)
    levels = np.array([0.0, *QUANTILES, 1.0])
    density = np.zeros((*quantiles.shape[:-1], len(edges) - 1))
    for index in np.ndindex(quantiles.shape[:-1]):
        places_here = np.maximum.accumulate(places[index] + 1e-9 * np.arange(len(levels)))
        curve = PchipInterpolator(places_here, levels, extrapolate=False)
        inside = np.clip(edges, places_here[0], places_here[-1])
        density[index] = np.diff(curve(inside)) / np.diff(edges)
    return density
