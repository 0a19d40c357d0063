"""Compresses the groups of one reconstructed energy to a few numbers of the spectrum.

A *block* is the groups of one dataset at one reconstructed energy. They differ in the number of
events, but hardly in the true energies of these: their signal is a sum of a few products of a
factor of the group and a number of the spectrum. The neglected rest is far below the noise. So the
derivatives of thousands of expected counts are not needed one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nugamma.inference.threads import one_thread

if TYPE_CHECKING:
    from nugamma.inference.response import StackedResponse

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Neglected part of the expected counts of a block, in standard deviations (ours).
ACCURACY = 3e-5
#: Lowest expected counts of a group, as a fraction of the largest in its block (ours).
LEAST = 1e-6


@dataclass(frozen=True, eq=False)
class Blocks:
    """All groups of one messenger, one row per block; rows are padded with empty groups.

    Attributes
    ----------
    place
        Position of each group in the flattened rows, shape (n_groups,).
    background
        Expected background, shape (n_blocks, longest).
    dataset
        Which dataset each block belongs to, shape (n_blocks,).
    onto
        From the flux in each true-energy bin to the numbers of the blocks, shape
        (n_true, rank, n_blocks).
    factors
        From these numbers to the expected signal, shape (n_blocks, rank, longest).
    """

    place: Ints
    background: Floats
    dataset: Ints
    onto: Floats
    factors: Floats

    def rows(self, groups: Floats) -> Floats:
        """Returns a value per group, (n_groups,), as rows (n_blocks, longest)."""
        filled = np.zeros(self.background.size)
        filled[self.place] = groups
        return filled.reshape(self.background.shape)


@one_thread
def blocks(response: StackedResponse, fluxes: Floats, likely: Floats) -> Blocks:
    """Finds the numbers of each block: principal components of the signal of many fluxes.

    Parameters
    ----------
    response
        Response of one messenger.
    fluxes
        Fluxes of many spectra in each true-energy bin, shape (n_spectra, n_true), cm-2 s-1.
    likely
        Approximate flux of the source, shape (n_true,).
    """
    labels = np.stack([response.dataset, response.energy_bin], axis=1)
    names, label = np.unique(labels, axis=0, return_inverse=True)
    members = [np.flatnonzero(label.ravel() == number) for number in range(len(names))]
    parts = [
        _split(response.signal[rows], response.background[rows], fluxes, likely) for rows in members
    ]
    longest = max(len(rows) for rows in members)
    rank = max(len(factors) for factors, _ in parts)
    place = np.empty(response.n_groups, dtype=np.int64)
    background = np.zeros((len(names), longest))
    onto = np.zeros((len(likely), rank, len(names)))
    all_factors = np.zeros((len(names), rank, longest))
    for number, (rows, (factors, numbers)) in enumerate(zip(members, parts, strict=True)):
        place[rows] = number * longest + np.arange(len(rows))
        background[number, : len(rows)] = response.background[rows]
        all_factors[number, : len(factors), : len(rows)] = factors
        onto[:, : len(factors), number] = numbers
    return Blocks(place, background, names[:, 0], onto, all_factors)


def _split(
    signal: Floats, background: Floats, fluxes: Floats, likely: Floats
) -> tuple[Floats, Floats]:
    """Returns factors (rank, n_groups), and the map from a flux to their numbers (n_true, rank)."""
    expected = background + signal @ likely
    expected = np.maximum(expected, LEAST * expected.max(initial=0))
    noise = np.minimum(np.sqrt(expected), expected)
    noise[noise == 0] = 1
    response = signal / noise[:, None]
    effects = fluxes @ response.T
    size = np.linalg.norm(effects, axis=1, keepdims=True)
    largest = np.linalg.norm(response @ likely)
    effects = effects * (largest / np.maximum(size, largest))
    _, values, directions = np.linalg.svd(effects, full_matrices=False)
    left_out = np.sqrt(np.cumsum(values[::-1] ** 2)[::-1] / len(effects))
    kept = max(1, int((left_out > ACCURACY).sum()))
    return directions[:kept] * noise, (directions[:kept] @ response).T
