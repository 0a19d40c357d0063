"""Fluxes from one kind of particle, per unit of its gamma-ray flux, with derivatives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nugamma.inference import shapes

Floats = npt.NDArray[np.float64]

#: Nodes per decade of particle energy, and index of the power law that is divided out between them.
#: Compared with 100 per decade, fluxes above 1e-4 of the largest change by less than 1e-4, most of
#: them by 1e-9 (ours).
PER_DECADE, INDEX = 25, 2.5


class Fluxes(NamedTuple):
    """Fluxes of a batch of shapes.

    Attributes
    ----------
    values
        Flux in each bin per unit of gamma-ray flux in the band, shape (batch, n_bins).
    first
        Derivatives with respect to (gamma, curvature, beta), shape (batch, 3, n_bins).
    raw, raw_first, norm, norm_first, spectra
        Intermediate values for `Emission.curvature`.
    """

    values: Floats
    first: Floats
    raw: Floats
    raw_first: Floats
    norm: Floats
    norm_first: Floats
    spectra: shapes.Derivatives


@dataclass(frozen=True, eq=False)
class Emission:
    """Emission of one kind of particle.

    Attributes
    ----------
    matrix
        Flux in each bin (gamma-ray bins, then neutrino bins) for particles in 1/eV, shape
        (n_bins, n_nodes), cm-2 s-1.
    band
        The same for the gamma-ray flux between 0.1 and 100 TeV, shape (n_nodes,).
    nodes
        Particle energies, TeV.
    pivot
        Energy at which the shapes are described, TeV.
    """

    matrix: Floats
    band: Floats
    nodes: Floats
    pivot: float

    @cached_property
    def x(self) -> Floats:
        """ln(E / pivot) of the nodes."""
        return np.log(self.nodes / self.pivot)

    @cached_property
    def _rows(self) -> Floats:
        return np.ascontiguousarray(np.vstack([self.band, self.matrix]).T)

    def values(self, shape: Floats) -> Floats:
        """Returns the flux per unit of gamma-ray flux in the band, shape (batch, n_bins)."""
        rows = shapes.values(shape, self.x) @ self._rows
        return np.asarray(rows[:, 1:] / rows[:, [0]])

    def fluxes(self, shape: Floats, bins: int | None = None) -> Fluxes:
        """Returns fluxes and derivatives of shapes, (batch, 3), in the first `bins` bins."""
        spectra = shapes.evaluate(shape, self.x)
        stacked = np.concatenate(
            [spectra.values[:, None], spectra.values[:, None] * spectra.first], axis=1
        )
        matrix = self._rows[:, : None if bins is None else bins + 1]
        rows = (stacked.reshape(-1, len(self.x)) @ matrix).reshape(len(shape), 4, -1)
        norm, norm_first = rows[:, 0, 0], rows[:, 1:, 0]
        raw, raw_first = rows[:, 0, 1:], rows[:, 1:, 1:]
        flux = raw / norm[:, None]
        first = (raw_first - flux[:, None] * norm_first[:, :, None]) / norm[:, None, None]
        return Fluxes(flux, first, raw, raw_first, norm, norm_first, spectra)

    def curvature(self, fluxes: Fluxes, weight: Floats) -> Floats:
        """Returns the second derivatives of sum(weight * flux) with respect to the shape.

        Parameters
        ----------
        fluxes
            From `fluxes`.
        weight
            One number for each of the bins of `fluxes`, shape (batch, n_bins).

        Returns
        -------
        ndarray, shape (batch, 3, 3)
        """
        spectra, norm = fluxes.spectra, fluxes.norm[:, None, None]
        onto = (weight @ self.matrix[: weight.shape[1]]) * spectra.values
        band = self.band * spectra.values
        curves = []
        for nodes in (onto, band):  # sums over the nodes of d2 J / d shape2
            matrix = np.matmul(spectra.first * nodes[:, None], spectra.first.transpose(0, 2, 1))
            extra = np.einsum("bm,bsm->bs", nodes, spectra.second)
            matrix[:, 1, 2] += extra[:, 0]
            matrix[:, 2, 1] += extra[:, 0]
            matrix[:, 2, 2] += extra[:, 1]
            curves.append(matrix)
        value = np.einsum("br,br->b", weight, fluxes.values)[:, None, None]
        first = np.einsum("br,bjr->bj", weight, fluxes.raw_first)
        mixed = first[:, :, None] * fluxes.norm_first[:, None, :]
        squared = fluxes.norm_first[:, :, None] * fluxes.norm_first[:, None, :]
        bent = curves[0] - value * curves[1]
        bent = bent - (mixed + mixed.transpose(0, 2, 1)) / norm + 2 * value * squared / norm
        return np.asarray(bent / norm)


def thinned(rows: Floats, nodes: Floats) -> tuple[Floats, Floats]:
    """Returns the same linear map for particles at fewer energies.

    Between the new nodes E^2.5 J is a quintic spline, which is also linear in its values.

    Parameters
    ----------
    rows
        Flux for particles at the nodes, shape (n_bins, n_nodes).
    nodes
        Particle energies, shape (n_nodes,), evenly spaced in ln E.

    Returns
    -------
    rows, nodes
    """
    from scipy.interpolate import make_interp_spline  # not needed by workers

    x = np.log(nodes)
    count = round((x[-1] - x[0]) / np.log(10) * PER_DECADE) + 1
    few = np.linspace(x[0], x[-1], count)
    between = make_interp_spline(few, np.eye(count), k=5)(x)
    return rows @ (np.exp(-INDEX * (x[:, None] - few)) * between), np.exp(few)
