"""Integrals over logarithmic energies, as weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_ORDER = 4  # of the Gauss-Legendre quadrature
_PANELS_PER_DECADE = 10
_REFERENCE_INDEX = 4.0  # typical local index of the particles, between power law and cutoff
_WELL_SUPPORTED = 0.1  # fraction of an interval's kernel below which a neighbouring node is unused


def power_law_weights(kernel: Array, step: float) -> Array:
    """Returns weights that integrate kernel times spectrum as naima, but linear in the spectrum.

    naima connects neighbouring nodes by power laws. With g = kernel * spectrum per ln(E), the
    interval's integral is ``step`` times the logarithmic mean of g at both ends: homogeneous in
    the spectrum, but not linear. The weights are its tangent at a power-law spectrum of index 4,
    plus the second order in the distance from there, which is linear for every power law because
    the square of its slope is its second difference. What is neglected is the curvature of the
    spectrum, ``step**2 / 12 * beta**2 * (E/Ec)**beta`` for a cutoff, and higher orders where the
    spectrum falls by more than a third from node to node. As in naima, an interval with a zero
    kernel at one of its ends is ignored.

    Parameters
    ----------
    kernel : array
        Kernel times node energy (integrand per unit of ln E), shape (n, n_nodes), not negative.
    step : float
        Distance of the nodes in ln(E).

    Returns
    -------
    array
        Shape (n, n_nodes), not negative.
    """
    reference = np.exp(-_REFERENCE_INDEX * step * np.arange(kernel.shape[1]))
    integrand = kernel * reference
    left, right = integrand[:, :-1], integrand[:, 1:]
    both = (left > 0) & (right > 0)
    slope = np.log(np.where(both, right, 1.0) / np.where(both, left, 1.0))
    mean, first, second = _logarithmic_mean(slope)
    left = np.where(both, left, 0.0)

    weights = np.zeros_like(kernel)
    weights[:, :-1] += (mean - first) * left
    weights[:, 1:] += first * left

    # Second difference of the spectrum from the three nodes that start before the interval, from
    # those that start with it, or their mean: if the kernel vanishes beside the interval, that
    # side would give negative fluxes for steep spectra.
    curvature = (first - second) / 2 * left
    before = np.pad(integrand, ((0, 0), (1, 0)))[:, :-2]
    after = np.pad(integrand, ((0, 0), (0, 1)))[:, 2:]
    smaller = _WELL_SUPPORTED * np.minimum(left, right)
    mixed = (before > smaller) & (after > smaller)
    share = np.where(mixed, 0.5, after > before)
    forward = curvature * share
    backward = curvature * np.where(mixed, 0.5, (before > 0) & (after <= before))
    for part, offset in ((forward, 0), (backward, -1)):
        for node, factor in ((offset, -1.0), (offset + 1, 2.0), (offset + 2, -1.0)):
            low, high = max(0, node), min(kernel.shape[1], node + part.shape[1])
            weights[:, low:high] += factor * part[:, low - node : high - node]
    # Negative by rounding only.
    return np.asarray(np.clip(weights, 0.0, None) * (step / reference))


def _logarithmic_mean(slope: Array) -> tuple[Array, Array, Array]:
    """Returns (e**s - 1) / s, the logarithmic mean of 1 and e**s, and two derivatives."""
    small = np.abs(slope) < 0.05
    s = np.clip(np.where(small, 1.0, slope), -300.0, 300.0)
    grown = np.exp(s)
    mean = np.where(small, 1 + slope / 2 + slope**2 / 6 + slope**3 / 24, np.expm1(s) / s)
    first = np.where(small, 1 / 2 + slope / 3 + slope**2 / 8 + slope**3 / 30, (grown - mean) / s)
    second = np.where(
        small, 1 / 3 + slope / 4 + slope**2 / 10 + slope**3 / 36, (grown - 2 * first) / s
    )
    return mean, first, second


def bin_points(edges: Array) -> tuple[Array, Array]:
    """Returns points and weights that integrate a smooth spectrum over each bin.

    Gauss-Legendre quadrature of order 4 in ln(E) on panels of at most a tenth of a decade: exact
    to 1e-9 for the spectra here.

    Parameters
    ----------
    edges : array
        Bin edges, shape (n + 1,), ascending.

    Returns
    -------
    points : array
        Energies in the unit of `edges`, shape (m,).
    weights : array
        Shape (n, m), in the unit of `edges`; ``weights @ dnde(points)`` are the integrals.
    """
    abscissae, shares = np.polynomial.legendre.leggauss(_ORDER)
    panels = np.maximum(1, np.ceil(np.diff(np.log10(edges)) * _PANELS_PER_DECADE - 1e-9)).astype(
        int
    )
    points, weights = [], np.zeros((edges.size - 1, _ORDER * int(panels.sum())))
    column = 0
    for i, number in enumerate(panels):
        borders = np.linspace(np.log(edges[i]), np.log(edges[i + 1]), number + 1)
        half = np.diff(borders)[:, np.newaxis] / 2
        energy = np.exp(borders[:-1, np.newaxis] + half * (1 + abscissae))
        points.append(energy.ravel())
        weights[i, column : column + energy.size] = (half * shares * energy).ravel()
        column += energy.size
    return np.concatenate(points), weights
