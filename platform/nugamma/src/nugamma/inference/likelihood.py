"""Poisson likelihood of a two-component source, for a batch of hadronic fractions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nugamma.inference import shapes
from nugamma.inference.newton import Bounds, Local
from nugamma.inference.problem import Problem
from nugamma.inference.response import StackedResponse

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Parameters: ln of the flux in the band, shape of the protons, shape of the electrons; then the
#: background norms of the gamma-ray datasets and of the neutrino datasets.
SIZE, PROTON, ELECTRON = 7, slice(1, 4), slice(4, 7)
#: Longest steps of ln flux and of a shape.
LONGEST = np.array([1.0, 1.0, 1.0, 0.3, 1.0, 1.0, 0.3])
NORM_LOWER, NORM_UPPER, NORM_LONGEST = 0.01, 100.0, 0.5
FLUX_LOWER, FLUX_UPPER = np.log(1e-25), np.log(1e-3)


def cash(expected: Floats, counts: Floats, background: Floats) -> Floats:
    """Cash statistic relative to the background alone, 2 sum(s - n ln(1 + s/b)).

    A constant is taken off so that 1e8 counts leave digits for differences of 1e-4.

    Parameters
    ----------
    expected
        Expected counts, shape (..., n_groups).
    counts
        Observed counts, broadcast to the shape of `expected`.
    background
        Expected background alone, shape (n_groups,).
    """
    base = np.where(background > 0, background, 1e-30)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(counts > 0, counts * np.log(expected / base), 0.0)
    return np.asarray(2 * (expected - background - logs).sum(axis=-1))


class Given(NamedTuple):
    """Expected counts of one component: background and signal of groups, and their sums."""

    background: Floats
    background_sum: Floats
    signal: Floats
    sum: Floats


@dataclass(frozen=True, eq=False)
class Observed:
    """Counts of one messenger; only groups with counts need their expectation one by one.

    Attributes
    ----------
    signal, background, log_background, dataset, counts
        Of the groups with counts.
    total_signal, total_background
        Sums over all groups: signal of each true-energy bin, background of each dataset.
    """

    signal: Floats
    background: Floats
    log_background: Floats
    dataset: Ints
    counts: Floats
    total_signal: Floats
    total_background: Floats

    @classmethod
    def of(cls, response: StackedResponse, counts: Floats) -> Observed:
        """The counts of all groups, (n_groups,)."""
        some = counts > 0
        background = response.background[some]
        return cls(
            signal=np.ascontiguousarray(response.signal[some]),
            background=background,
            log_background=np.log(np.where(background > 0, background, 1e-30)),
            dataset=response.dataset[some],
            counts=counts[some],
            total_signal=response.signal.sum(axis=0),
            total_background=np.asarray(
                np.bincount(response.dataset, response.background, minlength=len(response.names)),
                dtype=float,
            ),
        )

    def given(self, fluxes: Floats, norms: Floats) -> Given:
        """What fluxes (batch, n_bins) with background norms (batch, n_datasets or 0) add.

        Without norms they are one.
        """
        background, total = self.background[None], np.zeros(len(fluxes))
        if norms.shape[1]:
            background = self.background * norms[:, self.dataset]
            total = (norms - 1) @ self.total_background
        return Given(background, total, fluxes @ self.signal.T, fluxes @ self.total_signal)

    def statistic(self, shares: list[float], parts: list[Given]) -> Floats:
        """Statistic of a sum of components, relative to the background; shape (batch,)."""
        pairs = list(zip(shares, parts, strict=True))
        expected = sum((share * part.signal for share, part in pairs), parts[0].background)
        logs = np.log(np.maximum(expected, 1e-300)) @ self.counts
        sums = sum((share * part.sum for share, part in pairs), parts[0].background_sum)
        return np.asarray(2 * (sums - logs + self.log_background @ self.counts))

    def along(self, start: Floats, direction: Floats, share: Floats) -> Floats:
        """Statistic for fluxes `start` + `share` times `direction`, relative to the background.

        Parameters
        ----------
        start, direction
            Fluxes, shape (n_bins,), cm-2 s-1.
        share
            Shape (n_points,).
        """
        expected = self.background + self.signal @ start + np.outer(share, self.signal @ direction)
        np.log(np.maximum(expected, 1e-300, out=expected), out=expected)
        sums = self.total_signal @ start + share * (self.total_signal @ direction)
        return np.asarray(2 * (sums - expected @ self.counts + self.log_background @ self.counts))


@dataclass(frozen=True, eq=False)
class Mixture:
    """How the two components enter each problem of a batch.

    Attributes
    ----------
    pion, compton
        Share of each component of the gamma-ray flux, shape (batch,).
    neutrino
        Factor on the neutrinos that belong to a purely hadronic source, shape (batch,).
    """

    pion: Floats
    compton: Floats
    neutrino: Floats


class Likelihood:
    """Statistic, gradient and Hessian for a batch of mixtures.

    Parameters
    ----------
    problem
        The source.
    mixture
        Shares of the components.
    gamma, neutrino
        Observed counts, shape (n_groups,); without `neutrino` the neutrino datasets are left out.
    free_backgrounds
        Whether a norm of each dataset's background is a parameter.
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
        self.gamma = Observed.of(problem.gamma, gamma)
        self.neutrino = None if neutrino is None else Observed.of(problem.neutrino, neutrino)
        self.bins = len(problem.gamma.energy_true) - 1
        norms = [len(problem.gamma.names)]
        norms += [] if neutrino is None else [len(problem.neutrino.names)]
        self.norms = norms if free_backgrounds else [0] * len(norms)
        self.free_backgrounds = free_backgrounds

    @property
    def size(self) -> int:
        """Number of parameters."""
        return SIZE + sum(self.norms)

    def bounds(self) -> Bounds:
        """Where the parameters may go; those of a component with no share stay."""
        norms = np.ones(sum(self.norms))
        free = np.ones((len(self.mixture.pion), self.size), dtype=bool)
        hadronic = self.mixture.pion > 0
        if self.neutrino is not None:
            hadronic = hadronic | (self.mixture.neutrino > 0)
        free[:, PROTON] = hadronic[:, None]
        free[:, ELECTRON] = (self.mixture.compton > 0)[:, None]
        return Bounds(
            lower=np.concatenate([[FLUX_LOWER], shapes.LOWER, shapes.LOWER, NORM_LOWER * norms]),
            upper=np.concatenate([[FLUX_UPPER], shapes.UPPER, shapes.UPPER, NORM_UPPER * norms]),
            longest=np.concatenate([LONGEST, NORM_LONGEST * norms]),
            free=free,
        )

    def start(self, flux: Floats, proton: Floats, electron: Floats) -> Floats:
        """Parameters from fluxes (batch,) and shapes (batch, 3) or (3,); norms are 1."""
        batch = len(self.mixture.pion)
        point = np.ones((batch, self.size))
        point[:, 0] = np.log(flux)
        point[:, PROTON] = proton
        point[:, ELECTRON] = electron
        return point

    def exchange(self, point: Floats) -> Floats:
        """Statistic of every problem at the parameters of every other.

        Parameters
        ----------
        point
            Of all problems, shape (batch, size).

        Returns
        -------
        ndarray, shape (batch, batch)
            A row a problem, a column the parameters that it is given.
        """
        flux = np.exp(point[:, [0]])
        protons = flux * self.problem.protons.values(point[:, PROTON])
        electrons = flux * self.problem.electrons.values(point[:, ELECTRON])
        gamma, neutrino = protons[:, : self.bins], protons[:, self.bins :]
        mixture, norms = self.mixture, point[:, SIZE:]
        table = np.empty((len(mixture.pion), len(point)))
        first = norms[:, : self.norms[0]]
        parts = [self.gamma.given(share, first) for share in (gamma, electrons)]
        above = None
        if self.neutrino is not None:
            above = self.neutrino.given(neutrino, norms[:, self.norms[0] :])
        for row in range(len(table)):
            table[row] = self.gamma.statistic([mixture.pion[row], mixture.compton[row]], parts)
            if self.neutrino is not None and above is not None:
                table[row] += self.neutrino.statistic([mixture.neutrino[row]], [above])
        return table

    def evaluate(self, point: Floats, rows: Ints) -> Local:
        """Statistic and derivatives of the problems `rows` at `point` (len(rows), size)."""
        pion, compton, neutrino = (
            part[rows, None]
            for part in (self.mixture.pion, self.mixture.compton, self.mixture.neutrino)
        )
        flux = np.exp(point[:, [0]])
        protons = self.problem.protons.fluxes(point[:, PROTON])
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
        weight = np.zeros((len(rows), self.problem.protons.matrix.shape[0]))
        weight[:, : self.bins] = pion * part
        if self.neutrino is not None:
            first += self.norms[0]
            above = total.add(
                _Place(self.neutrino, slice(first, first + self.norms[1])),
                neutrino * protons.values[:, self.bins :],
                {PROTON.start: neutrino[:, :, None] * protons.first[:, :, self.bins :]},
                point,
            )
            weight[:, self.bins :] = neutrino * above
        total.hessian[:, PROTON, PROTON] += 2 * self.problem.protons.curvature(
            protons, flux * weight
        )
        total.hessian[:, ELECTRON, ELECTRON] += 2 * self.problem.electrons.curvature(
            electrons, flux * compton * part
        )
        return Local(total.value, total.gradient, total.hessian, total.scale)


class _Place(NamedTuple):
    """What one messenger saw, and which parameters are its background norms."""

    seen: Observed
    norms: slice


class _Sum:
    """Statistic and derivatives, summed over the messengers."""

    def __init__(self, batch: int, size: int) -> None:
        self.value = np.zeros(batch)
        self.gradient = np.zeros((batch, size))
        self.hessian = np.zeros((batch, size, size))
        self.scale = np.zeros((batch, size))

    def add(
        self, place: _Place, spectrum: Floats, derivatives: dict[int, Floats], point: Floats
    ) -> Floats:
        """Add one messenger.

        Parameters
        ----------
        place
            Its data.
        spectrum
            Its flux in each bin per unit of the flux in the band, shape (batch, n_bins).
        derivatives
            Of `spectrum` with respect to a shape (batch, 3, n_bins), by the shape's first index.
        point
            The parameters.

        Returns
        -------
        ndarray, shape (batch, n_bins)
            What a change of the flux in each bin does to half the statistic.
        """
        seen, norms = place
        batch = len(spectrum)
        fluxes = np.concatenate([spectrum[:, None], *derivatives.values()], axis=1)
        fluxes *= np.exp(point[:, 0])[:, None, None]
        count = fluxes.shape[1]
        jacobian = (fluxes.reshape(batch * count, -1) @ seen.signal.T).reshape(batch, count, -1)
        expected_sum = fluxes @ seen.total_signal
        where = [0, *(first + i for first in derivatives for i in range(3))]
        background, signal = seen.background, jacobian[:, 0]
        value = expected_sum[:, 0].copy()
        if norms.stop > norms.start:
            where += range(norms.start, norms.stop)
            norm = point[:, norms]
            own = seen.background * (seen.dataset == np.arange(norm.shape[1])[:, None])
            jacobian = np.concatenate([jacobian, np.tile(own, (batch, 1, 1))], axis=1)
            sums = np.tile(seen.total_background, (batch, 1))
            expected_sum = np.concatenate([expected_sum, sums], axis=1)
            background = seen.background * norm[:, seen.dataset]
            value += (norm - 1) @ seen.total_background
        expected = np.maximum(background + signal, 1e-300)
        ratio = seen.counts / expected
        value -= (np.log(expected) - seen.log_background) @ seen.counts
        self.value += 2 * value
        slope = 2 * (expected_sum - np.matmul(jacobian, ratio[:, :, None])[:, :, 0])
        self.gradient[:, where] += slope
        curve = 2 * np.matmul(jacobian * (ratio / expected)[:, None], jacobian.swapaxes(1, 2))
        self.scale[:, where] += np.diagonal(curve, axis1=1, axis2=2)
        # ln flux multiplies everything but backgrounds, so its second derivatives are first ones
        curve[:, 0, :count] += slope[:, :count]
        curve[:, 1:count, 0] += slope[:, 1:count]
        self.hessian[np.ix_(range(batch), where, where)] += curve
        return np.asarray(seen.total_signal - ratio @ seen.signal)
