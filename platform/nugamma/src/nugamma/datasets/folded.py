"""The folded dataset: all that a likelihood needs to know about an instrument and a source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from astropy import units as u

from nugamma.errors import DatasetError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class FoldedDataset:
    """Expected counts of one dataset as an exact linear function of the source's flux.

    Pixels of a reconstructed-energy bin with about the same signal-to-background ratio are summed
    into a *group*: the sum of Poisson counts is a sufficient statistic if the ratio is equal.

    Parameters
    ----------
    name
        ``"cta"``, or ``"nu1"`` (the most upgoing zenith bin), ``"nu2"``...
    messenger
        Which flux of the source the dataset measures.
    energy_true
        Edges of the true-energy bins, shape (n_true + 1,), in TeV.
    signal
        Counts in a group for an integral flux of 1 cm-2 s-1 in a true-energy bin, shape
        (n_groups, n_true).
    background
        Expected background counts, shape (n_groups,).
    energy_bin
        Index of the reconstructed-energy bin of each group, shape (n_groups,).
    """

    name: str
    messenger: Literal["gamma", "neutrino"]
    energy_true: u.Quantity
    signal: Floats
    background: Floats
    energy_bin: Ints

    def __post_init__(self) -> None:
        """Refuses inconsistent shapes and invalid numbers."""
        groups, bins = self.signal.shape
        if self.background.shape != (groups,) or self.energy_bin.shape != (groups,):
            raise DatasetError(
                f"dataset {self.name}: signal has {groups} groups, background "
                f"{self.background.shape} and energy_bin {self.energy_bin.shape}"
            )
        if self.energy_true.shape != (bins + 1,):
            raise DatasetError(
                f"dataset {self.name}: {bins} true-energy bins need {bins + 1} edges, not "
                f"{self.energy_true.shape}"
            )
        for what, values in (("signal", self.signal), ("background", self.background)):
            if not np.all(np.isfinite(values)) or np.any(values < 0):
                raise DatasetError(
                    f"dataset {self.name}: {what} has negative or non-finite numbers"
                )

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return len(self.background)

    def npred(self, flux: npt.ArrayLike) -> Floats:
        """Returns the expected counts of each group.

        Parameters
        ----------
        flux
            Flux of the source integrated over each true-energy bin, cm-2 s-1, shape
            (..., n_true).

        Returns
        -------
        ndarray, shape (..., n_groups)
        """
        return self.background + np.asarray(flux, dtype=float) @ self.signal.T
