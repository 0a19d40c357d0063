"""Observed counts of one messenger, arranged for a fast likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nugamma.inference.blocks import Blocks
from nugamma.inference.response import StackedResponse

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Blocks are processed together by number of groups with counts, with these upper limits (ours).
LENGTHS = (0, 4, 16)
#: Lowest expected counts.
TINY = 1e-300


class Tier(NamedTuple):
    """Groups with counts of some blocks; rows are padded with groups without counts.

    Attributes
    ----------
    blocks
        Indices into `Observed.dataset`.
    counts, background, log_background
        Shape (n_blocks, longest).
    factors
        From the numbers of the blocks to the expected counts, shape (n_blocks, rank, longest).
    pairs
        Products of any two factors, shape (n_blocks, longest, rank**2).
    """

    blocks: slice
    counts: Floats
    background: Floats
    log_background: Floats
    factors: Floats
    pairs: Floats


@dataclass(frozen=True, eq=False)
class Observed:
    """Counts of one messenger; only groups with counts need their own expectation.

    Attributes
    ----------
    tiers
        Groups with counts, blocks with many of them first.
    dataset
        Dataset of each block, shape (n_blocks,).
    onto
        From fluxes to the numbers of the blocks, shape (n_true, rank * n_blocks).
    rank
        Number of numbers per block.
    total_signal, total_background
        Sums over all groups: signal of each true-energy bin, background of each dataset.
    free_backgrounds
        Whether the norm of the background is the last number of each block; else it is 1.
    """

    tiers: tuple[Tier, ...]
    dataset: Ints
    onto: Floats
    rank: int
    total_signal: Floats
    total_background: Floats
    free_backgrounds: bool

    @classmethod
    def of(
        cls,
        response: StackedResponse,
        blocks: Blocks,
        counts: Floats,
        *,
        free_backgrounds: bool = False,
    ) -> Observed:
        """Returns the arranged counts of all groups, (n_groups,)."""
        factors, onto, background = blocks.factors, blocks.onto, blocks.background
        if free_backgrounds:
            factors = np.concatenate([factors, background[:, None]], axis=1)
            onto = np.concatenate([onto, np.zeros((len(onto), 1, onto.shape[2]))], axis=1)
            background = np.zeros_like(background)
        rows, logs = blocks.rows(counts), blocks.rows(response.log_background)
        lengths = (rows > 0).sum(axis=1)
        order = np.argsort(-lengths, kind="stable")
        ends = [int((lengths > length).sum()) for length in LENGTHS]
        tiers = []
        for start, stop in pairwise([0, *reversed(ends)]):
            if start == stop:
                continue
            some = order[start:stop]
            # Groups with counts come first.
            first = np.argsort(rows[some] == 0, axis=1, kind="stable")[:, : lengths[some[0]]]
            near = np.take_along_axis(factors[some], first[:, None], axis=2)
            pairs = (near[:, :, None] * near[:, None]).reshape(len(some), -1, near.shape[2])
            tiers.append(
                Tier(
                    blocks=slice(start, stop),
                    counts=np.take_along_axis(rows[some], first, axis=1),
                    background=np.take_along_axis(background[some], first, axis=1),
                    log_background=np.take_along_axis(logs[some], first, axis=1),
                    factors=near,
                    pairs=np.ascontiguousarray(pairs.swapaxes(1, 2)),
                )
            )
        some = order[: ends[0]]
        return cls(
            tiers=tuple(tiers),
            dataset=blocks.dataset[some],
            onto=np.ascontiguousarray(onto[:, :, some].reshape(len(onto), -1)),
            rank=onto.shape[1],
            total_signal=response.total_signal,
            total_background=response.total_background,
            free_backgrounds=free_backgrounds,
        )

    def numbers(self, fluxes: Floats) -> Floats:
        """Returns the blocks' numbers for fluxes (..., n_true), shape (..., rank, n_blocks)."""
        flat = fluxes.reshape(-1, fluxes.shape[-1]) @ self.onto
        return flat.reshape(*fluxes.shape[:-1], self.rank, len(self.dataset))


def expected_signal(tier: Tier, numbers: Floats) -> Floats:
    """Returns the signal, (n_blocks, batch, longest), for numbers (batch, rank, all blocks)."""
    own = np.ascontiguousarray(numbers[:, :, tier.blocks].transpose(2, 0, 1))
    return np.asarray(np.matmul(own, tier.factors))
