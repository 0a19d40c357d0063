"""A small source with round numbers: a few thousand groups less than a real one."""

from __future__ import annotations

import numpy as np
from astropy import units as u

from nugamma.datasets.folded import FoldedDataset
from nugamma.inference.problem import Problem, build
from nugamma.spectra import ParticleSpectrum

#: About Vela X and its models.
DISTANCE = u.Quantity(0.29, "kpc")
HADRONIC = ParticleSpectrum(amplitude=2.9e33, alpha=1.0, e_cutoff=50.0)
LEPTONIC = ParticleSpectrum(amplitude=5.8643e30, alpha=0.57717, e_cutoff=23.7146)


def smeared(true: np.ndarray, reco: np.ndarray, width: float) -> np.ndarray:
    """Probability of each reconstructed bin for each true bin, Gaussian in ln E."""
    from scipy.stats import norm

    middle = np.log(true[1:] * true[:-1]) / 2
    below = norm.cdf((np.log(reco)[:, None] - middle) / width)
    return np.diff(below, axis=0)


def dataset(  # noqa: PLR0917
    name: str,
    messenger: str,
    true: np.ndarray,
    reco: np.ndarray,
    exposure: np.ndarray,
    background: np.ndarray,
    *,
    width: float,
    groups: int,
) -> FoldedDataset:
    """Signal and background shared over groups of falling signal-to-background ratio."""
    signal_share = 0.5 ** np.arange(1, groups + 1)
    background_share = 3.0 ** np.arange(groups)
    signal_share /= signal_share.sum()
    background_share /= background_share.sum()
    matrix = smeared(true, reco, width) * exposure
    return FoldedDataset(
        name=name,
        messenger=messenger,  # type: ignore[arg-type]
        energy_true=u.Quantity(true, "TeV"),
        signal=(signal_share[:, None, None] * matrix).reshape(-1, len(true) - 1),
        background=(background_share[:, None] * background).ravel(),
        energy_bin=np.tile(np.arange(len(reco) - 1), groups),
    )


def datasets(groups: int = 3) -> list[FoldedDataset]:
    """One gamma-ray dataset and two of neutrinos."""
    true = np.logspace(-1, 2.1875, 52)
    middle = np.sqrt(true[1:] * true[:-1])
    gamma = dataset(
        "cta",
        "gamma",
        true,
        true,
        5e15 * middle**0.5,
        4e5 * middle**-2.0,
        width=0.12,
        groups=groups,
    )
    true = np.logspace(-1, 4, 81)
    middle = np.sqrt(true[1:] * true[:-1])
    reco = np.logspace(-1, 3, 17)
    background = 40 / (1 + (np.sqrt(reco[1:] * reco[:-1]) / 3) ** 2)
    exposure = 1e12 * np.minimum(middle, 1000.0) ** 1.5 * 0.6
    return [
        gamma,
        *(
            dataset(
                name,
                "neutrino",
                true,
                reco,
                exposure * part,
                background * part,
                width=0.8,
                groups=groups,
            )
            for name, part in (("nu1", 1.0), ("nu2", 0.5))
        ),
    ]


def problem(groups: int = 3) -> Problem:
    """The source and its datasets."""
    return build(
        "synthetic", datasets(groups), distance=DISTANCE, hadronic=HADRONIC, leptonic=LEPTONIC
    )
