"""Likelihoods of the tests, straight from their definition."""

from __future__ import annotations

import numpy as np

from nugamma.datasets import FoldedDataset, PixelResponse


def cash(counts: np.ndarray, expected: np.ndarray) -> float:
    """Minus twice the logarithm of the Poisson likelihood, up to a constant of the counts."""
    filled = expected > 0
    assert not counts[~filled].any()
    counts, expected = counts[filled], expected[filled]
    return float(2 * np.sum(expected - counts * np.log(expected)))


def difference(
    response: PixelResponse | FoldedDataset, truth: np.ndarray, model: np.ndarray
) -> float:
    """Difference of test statistic for counts as expected from the truth."""
    if isinstance(response, FoldedDataset):
        counts, expected = response.npred(truth), response.npred(model)
    else:
        counts = response.background + np.maximum(response.signal(truth), 0)
        expected = response.background + np.maximum(response.signal(model), 0)
    return cash(counts, expected) - cash(counts, counts)
