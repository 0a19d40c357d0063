"""Poisson likelihood of a two-component source, for a batch of hadronic fractions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nugamma.inference import shapes
from nugamma.inference.newton import Bounds, Local
from nugamma.inference.observed import TINY, Observed, expected_signal
from nugamma.inference.problem import Problem
from nugamma.inference.response import NOTHING

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

#: Parameters: ln of the flux in the band, shape of the protons, shape of the electrons; then the
#: background norms of the gamma-ray datasets and of the neutrino datasets.
SIZE, PROTON, ELECTRON = 7, slice(1, 4), slice(4, 7)
#: Longest steps of ln flux and of both shapes (ours).
LONGEST = np.array([1.0, 1.0, 1.0, 0.3, 1.0, 1.0, 0.3])
#: Bounds and longest step of background norms (ours).
NORM_LOWER, NORM_UPPER, NORM_LONGEST = 0.01, 100.0, 0.5
#: Bounds of ln(flux in the band / cm-2 s-1), far beyond any source (ours).
FLUX_LOWER, FLUX_UPPER = np.log(1e-25), np.log(1e-3)


def cash(expected: Floats, counts: Floats, background: Floats) -> Floats:
    """Returns the Cash statistic relative to the background alone, 2 sum(s - n ln(1 + s/b)).

    Without the constant, 1e8 counts leave enough digits for differences of 1e-4.

    Parameters
    ----------
    expected
        Expected counts, shape (..., n_groups).
    counts
        Observed counts, broadcast to the shape of `expected`.
    background
        Expected background alone, shape (n_groups,).
    """
    base = np.where(background > 0, background, NOTHING)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(counts > 0, counts * np.log(expected / base), 0.0)
    return np.asarray(2 * (expected - background - logs).sum(axis=-1))


@dataclass(frozen=True, eq=False)
class Mixture:
    """How the two components contribute to each problem of a batch.

    Attributes
    ----------
    pion, compton
        Share of each component in the gamma-ray flux, shape (batch,).
    neutrino
        Factor on the neutrinos of a purely hadronic source, shape (batch,).
    seen
        Whether the neutrino datasets are used, shape (batch,); all by default.
    """

    pion: Floats
    compton: Floats
    neutrino: Floats
    seen: Bools | None = None


class Likelihood:
    """Statistic, gradient and Hessian for a batch of mixtures.

    Parameters
    ----------
    problem
        The source.
    mixture
        Shares of the components.
    gamma, neutrino
        Observed counts, shape (n_groups,); without `neutrino`, the neutrino datasets are not used.
    free_backgrounds
        Whether each dataset's background has a free norm.
    """

    def __init__(
        self,
        problem: Problem,
        mixture: Mixture,
        gamma: Floats,
        neutrino: Floats | None = None,
        *,
        free_backgrounds: bool = False,
    ) -> None:
        self.problem = problem
        self.mixture = mixture
        first, second = problem.blocks
        free = {"free_backgrounds": free_backgrounds}
        self.gamma = Observed.of(problem.gamma, first, gamma, **free)
        self.neutrino = (
            None if neutrino is None else Observed.of(problem.neutrino, second, neutrino, **free)
        )
        self.bins = len(problem.gamma.energy_true) - 1
        self.seen = np.full(len(mixture.pion), neutrino is not None)
        if mixture.seen is not None:
            self.seen &= mixture.seen
        norms = [len(problem.gamma.names)]
        norms += [] if neutrino is None else [len(problem.neutrino.names)]
        self.norms = norms if free_backgrounds else [0] * len(norms)
        self.free_backgrounds = free_backgrounds

    @property
    def size(self) -> int:
        """Number of parameters."""
        return SIZE + sum(self.norms)

    def bounds(self) -> Bounds:
        """Returns the bounds of the parameters; those of a component without a share are fixed."""
        norms = np.ones(sum(self.norms))
        free = np.ones((len(self.mixture.pion), self.size), dtype=bool)
        hadronic = (self.mixture.pion > 0) | (self.seen & (self.mixture.neutrino > 0))
        free[:, PROTON] = hadronic[:, None]
        free[:, ELECTRON] = (self.mixture.compton > 0)[:, None]
        free[:, SIZE + self.norms[0] :] = self.seen[:, None]
        return Bounds(
            lower=np.concatenate([[FLUX_LOWER], shapes.LOWER, shapes.LOWER, NORM_LOWER * norms]),
            upper=np.concatenate([[FLUX_UPPER], shapes.UPPER, shapes.UPPER, NORM_UPPER * norms]),
            longest=np.concatenate([LONGEST, NORM_LONGEST * norms]),
            free=free,
        )

    def start(self, flux: Floats, proton: Floats, electron: Floats) -> Floats:
        """Returns parameters from fluxes (batch,) and shapes (batch, 3) or (3,); norms are 1."""
        batch = len(self.mixture.pion)
        point = np.ones((batch, self.size))
        point[:, 0] = np.log(flux)
        point[:, PROTON] = proton
        point[:, ELECTRON] = electron
        return point

    def evaluate(self, point: Floats, rows: Ints) -> Local:
        """Returns statistic and derivatives of the problems `rows` at `point` (len(rows), size)."""
        pion, compton, neutrino = (
            part[rows, None]
            for part in (self.mixture.pion, self.mixture.compton, self.mixture.neutrino)
        )
        flux = np.exp(point[:, [0]])
        some = np.flatnonzero(self.seen[rows])
        bins = None if len(some) else self.bins
        protons = self.problem.protons.fluxes(point[:, PROTON], bins)
        electrons = self.problem.electrons.fluxes(point[:, ELECTRON])
        total = _Sum(len(rows), self.size)
        first = SIZE
        part = total.add(
            _Place(self.gamma, slice(first, first + self.norms[0])),
            pion * protons.values[:, : self.bins] + compton * electrons.values,
            {
                PROTON.start: pion[:, :, None] * protons.first[:, :, : self.bins],
                ELECTRON.start: compton[:, :, None] * electrons.first,
            },
            point,
        )
        weight = pion * part
        if self.neutrino is not None and len(some):
            first += self.norms[0]
            neutrino, bare = neutrino[some], protons.first[some][:, :, self.bins :]
            more = _Sum(len(some), self.size)
            above = more.add(
                _Place(self.neutrino, slice(first, first + self.norms[1])),
                neutrino * protons.values[some][:, self.bins :],
                {PROTON.start: neutrino[:, :, None] * bare},
                point[some],
            )
            total.join(some, more)
            beyond = np.zeros((len(rows), above.shape[1]))
            beyond[some] = neutrino * above
            weight = np.concatenate([weight, beyond], axis=1)
        total.hessian[:, PROTON, PROTON] += 2 * self.problem.protons.curvature(
            protons, flux * weight
        )
        total.hessian[:, ELECTRON, ELECTRON] += 2 * self.problem.electrons.curvature(
            electrons, flux * compton * part
        )
        return Local(total.value, total.gradient, total.hessian, total.scale)


class _Place(NamedTuple):
    """Observed counts of one messenger, and the indices of its background norms."""

    seen: Observed
    norms: slice


class _Sum:
    """Statistic and derivatives, summed over the messengers."""

    def __init__(self, batch: int, size: int) -> None:
        self.value = np.zeros(batch)
        self.gradient = np.zeros((batch, size))
        self.hessian = np.zeros((batch, size, size))
        self.scale = np.zeros((batch, size))

    def join(self, rows: Ints, other: _Sum) -> None:
        """Adds sums of some rows."""
        self.value[rows] += other.value
        self.gradient[rows] += other.gradient
        self.hessian[rows] += other.hessian
        self.scale[rows] += other.scale

    def add(
        self, place: _Place, spectrum: Floats, derivatives: dict[int, Floats], point: Floats
    ) -> Floats:
        """Adds one messenger.

        Parameters
        ----------
        place
            Its data.
        spectrum
            Flux in each bin per unit of the flux in the band, shape (batch, n_bins).
        derivatives
            Of `spectrum` with respect to a shape (batch, 3, n_bins), by the shape's first index.
        point
            The parameters.

        Returns
        -------
        ndarray, shape (batch, n_bins)
            Derivative of half the statistic with respect to the flux in each bin.
        """
        seen, norms = place
        batch = len(spectrum)
        fluxes = np.concatenate([spectrum[:, None], *derivatives.values()], axis=1)
        fluxes *= np.exp(point[:, 0])[:, None, None]
        count = fluxes.shape[1]
        expected_sum = fluxes @ seen.total_signal
        where: slice | Ints = slice(0, count)  # flux, protons, electrons
        value = expected_sum[:, 0].copy()
        # Derivatives of the numbers of blocks with respect to the parameters.
        slopes = seen.numbers(fluxes)
        numbers = slopes[:, 0]
        if seen.free_backgrounds:
            where = np.concatenate([np.arange(count), np.arange(norms.start, norms.stop)])
            norm = point[:, norms]
            numbers = numbers.copy()
            numbers[:, -1] = norm[:, seen.dataset]
            own = np.zeros((norm.shape[1], *numbers.shape[1:]))
            own[:, -1] = seen.dataset == np.arange(norm.shape[1])[:, None]
            slopes = np.concatenate([slopes, np.tile(own, (batch, 1, 1, 1))], axis=1)
            sums = np.tile(seen.total_background, (batch, 1))
            expected_sum = np.concatenate([expected_sum, sums], axis=1)
            value += (norm - 1) @ seen.total_background
        onto, bent = np.empty_like(numbers), np.empty_like(slopes)
        for tier in seen.tiers:
            expected = expected_signal(tier, numbers)
            expected += tier.background[:, None]
            np.maximum(expected, TINY, out=expected)
            ratio = tier.counts[:, None] / expected
            onto[:, :, tier.blocks] = np.matmul(ratio, tier.factors.swapaxes(1, 2)).transpose(
                1, 2, 0
            )
            bend = np.matmul(ratio / expected, tier.pairs).transpose(1, 2, 0)
            bend = np.ascontiguousarray(bend).reshape(batch, *numbers.shape[1:2] * 2, -1)
            bent[..., tier.blocks] = np.einsum("bpke,bkle->bple", slopes[..., tier.blocks], bend)
            logs = np.log(expected, out=expected)
            logs -= tier.log_background[:, None]
            value -= np.matmul(logs, tier.counts[:, :, None])[:, :, 0].sum(axis=0)
        self.value += 2 * value
        flat = slopes.reshape(*slopes.shape[:2], -1)
        slope = 2 * (expected_sum - np.matmul(flat, onto.reshape(batch, -1, 1))[:, :, 0])
        self.gradient[:, where] += slope
        curve = 2 * np.matmul(bent.reshape(flat.shape), flat.swapaxes(1, 2))
        self.scale[:, where] += np.diagonal(curve, axis1=1, axis2=2)
        # ln flux multiplies all but the backgrounds, so its second derivatives are first ones.
        curve[:, 0, :count] += slope[:, :count]
        curve[:, 1:count, 0] += slope[:, 1:count]
        both = (where, where) if isinstance(where, slice) else (where[:, None], where)
        self.hessian[:, *both] += curve
        return np.asarray(seen.total_signal - onto.reshape(batch, -1) @ seen.onto.T)
