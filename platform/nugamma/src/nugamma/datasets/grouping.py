"""Pixels with the same signal-to-background ratio, summed into one Poisson count."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse

from nugamma.datasets.folded import FoldedDataset
from nugamma.datasets.folding import PixelResponse
from nugamma.errors import DatasetError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Groups per energy bin, plus one for all pixels with less signal. The difference in test statistic
#: between two models then agrees with the full maps to 0.2 %. KM3NeT needs more groups, as its
#: point spread function changes more with energy.
GROUPS = {"gamma": 40, "neutrino": 60}
#: Decades of signal-to-background ratio that the groups cover, from the largest down.
DECADES = 3.0
#: Index of the power law for which the ratio is computed; only its variation between pixels
#: matters, which hardly depends on the spectrum.
INDEX = 2.5


def group(
    response: PixelResponse, *, groups: int | None = None, index: float = INDEX
) -> FoldedDataset:
    """Sums the pixels of each energy bin in groups, log-spaced in signal over background.

    The sum of Poisson counts contains as much information on the source as the single counts if
    their ratio of expected signal to background is equal, so narrow groups lose little: 20 groups
    lose 0.14 % (CTA) and 0.6 % (KM3NeT) of a difference in test statistic, the default numbers
    0.04 % and 0.1 %.

    Parameters
    ----------
    response
        Linear response, pixel by pixel.
    groups
        Groups per energy bin, by default `GROUPS`; pixels below the covered ratios, and all outside
        the cutout, form one more.
    index
        Index of the power law for which the ratio is computed.
    """
    groups = GROUPS[response.messenger] if groups is None else groups
    if groups < 1:
        raise DatasetError(f"{groups} groups: at least one is needed")
    edges = response.energy_true.to_value("TeV")
    flux = edges[:-1] ** (1 - index) - edges[1:] ** (1 - index)
    signal = response.signal(flux)
    events = np.ascontiguousarray(response.before_dispersion.T)
    rows, backgrounds, bins = [], [], []
    for energy_bin in range(response.n_reco):
        labels = _labels(
            signal[energy_bin],
            response.background[energy_bin],
            response.used[energy_bin],
            groups,
        )
        used = labels >= 0
        number = groups + 1
        membership = sparse.csr_array(
            (np.ones(used.sum()), (labels[used], np.flatnonzero(used))),
            shape=(number, len(labels)),
        )
        summed = membership @ events
        summed *= response.dispersion[:, energy_bin]
        background = membership @ response.background[energy_bin]
        background[0] += response.outside[energy_bin]
        filled = (background > 0) | (summed.max(axis=1) > 0)
        rows.append(np.maximum(summed[filled], 0))
        backgrounds.append(background[filled])
        bins.append(np.full(filled.sum(), energy_bin))
    return FoldedDataset(
        name=response.name,
        messenger=response.messenger,
        energy_true=response.energy_true,
        signal=np.concatenate(rows),
        background=np.concatenate(backgrounds),
        energy_bin=np.concatenate(bins).astype(np.int64),
    )


def _labels(signal: Floats, background: Floats, used: npt.NDArray[np.bool_], groups: int) -> Ints:
    """Returns the group of each pixel: -1 unused, 0 hardly any signal, up to `groups` (best)."""
    labels = np.where(used, 0, -1)
    # Rounding in the convolution leaves noise of either sign where there is no signal.
    real = used & (signal > 1e-7 * signal.max(initial=0))
    clean = real & (background <= 0)
    labels[clean] = groups  # signal without background: the best ratio
    mixed = real & (background > 0)
    if mixed.any():
        ratio = np.log10(signal[mixed] / background[mixed])
        steps = (ratio - ratio.max()) * (groups / DECADES) + groups
        labels[mixed] = np.clip(np.ceil(steps), 0, groups).astype(int)
    return labels
