"""The groups of all datasets of one source in one response."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from astropy import units as u

from nugamma.errors import InferenceError

if TYPE_CHECKING:
    from nugamma.datasets.folded import FoldedDataset

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Background of groups that have none, to avoid divisions by zero.
NOTHING = 1e-30


@dataclass(frozen=True, eq=False)
class StackedResponse:
    """Datasets of one messenger as one response.

    Attributes
    ----------
    energy_true
        Edges of the true-energy bins, TeV.
    signal
        Counts for a flux integral of 1 cm-2 s-1, shape (n_groups, n_true).
    background
        Expected background, shape (n_groups,).
    dataset, energy_bin
        Dataset and reconstructed-energy bin of each group, shape (n_groups,).
    names
        Names of the datasets.
    """

    energy_true: u.Quantity
    signal: Floats
    background: Floats
    dataset: Ints
    energy_bin: Ints
    names: tuple[str, ...]

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return len(self.background)

    @cached_property
    def log_background(self) -> Floats:
        """Logarithm of the background, shape (n_groups,)."""
        return np.asarray(np.log(np.maximum(self.background, NOTHING)))

    @cached_property
    def total_signal(self) -> Floats:
        """Signal of all groups together, shape (n_true,)."""
        return np.asarray(self.signal.sum(axis=0))

    @cached_property
    def total_background(self) -> Floats:
        """Background of each dataset, shape (n_datasets,)."""
        return np.asarray(
            np.bincount(self.dataset, self.background, minlength=len(self.names)), dtype=float
        )


def stack(datasets: Sequence[FoldedDataset]) -> StackedResponse:
    """Returns one response from all datasets of one messenger.

    Groups without signal and background are left out.

    Raises
    ------
    InferenceError
        If there is no dataset, no group expects counts, or true energies differ.
    """
    if not datasets:
        raise InferenceError("a likelihood needs at least one dataset")
    edges = datasets[0].energy_true
    for other in datasets[1:]:
        if other.energy_true.shape != edges.shape or not np.allclose(
            other.energy_true.to_value("TeV"), edges.to_value("TeV"), rtol=1e-9, atol=0
        ):
            raise InferenceError(
                f"datasets {datasets[0].name} and {other.name} have different true-energy bins; "
                "give "
                "the instruments of one messenger the same energy_true"
            )
    signal = np.concatenate([d.signal for d in datasets])
    background = np.concatenate([d.background for d in datasets])
    dataset = np.repeat(np.arange(len(datasets)), [d.n_groups for d in datasets])
    seen = (background > 0) | (signal.sum(axis=1) > 0)
    if not seen.any():
        raise InferenceError(f"dataset {datasets[0].name}: no counts are expected in any group")
    return StackedResponse(
        energy_true=edges,
        signal=np.ascontiguousarray(signal[seen]),
        background=background[seen],
        dataset=dataset[seen],
        energy_bin=np.concatenate([d.energy_bin for d in datasets])[seen],
        names=tuple(d.name for d in datasets),
    )
