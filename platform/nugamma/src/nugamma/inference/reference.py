"""The same analysis with gammapy's own `Datasets` and `Fit`: slow, but without groups.

It evaluates every pixel of every map. Use it to check the fast likelihood, or as a start for an
analysis that needs more than the fast one offers.
"""

from __future__ import annotations

from collections.abc import Sequence

from gammapy.datasets import Datasets, MapDataset
from gammapy.modeling import Fit
from gammapy.modeling.models import Models, SkyModel

from nugamma.datasets.morphology import spatial_model
from nugamma.errors import InferenceError
from nugamma.sources import Source
from nugamma.spectra import ParticleSpectrum
from nugamma.spectra.models import InverseComptonSpectralModel, PionDecaySpectralModel

PION_GAMMA, PION_NEUTRINO, COMPTON = "pion-gamma", "pion-neutrino", "inverse-compton"


def modelled(
    source: Source,
    gamma: Sequence[MapDataset],
    neutrino: Sequence[MapDataset],
    hadronic: ParticleSpectrum,
    leptonic: ParticleSpectrum,
) -> Datasets:
    """Returns datasets with both components of a source; protons are shared by both messengers.

    Parameters
    ----------
    source
        Position, morphology, distance and surroundings.
    gamma, neutrino
        From `nugamma.datasets.map_datasets` of gamma-ray and of neutrino instruments.
    hadronic, leptonic
        Particles of the two components; an amplitude of zero removes one.

    Raises
    ------
    InferenceError
        If a messenger has no dataset.
    """
    if not gamma or not neutrino:
        raise InferenceError("the reference needs datasets of gamma rays and of neutrinos")
    names = [[dataset.name for dataset in datasets] for datasets in (gamma, neutrino)]
    protons = {"distance": source.distance, "target_density": source.target_density}
    pion = PionDecaySpectralModel.of(hadronic, particle="gamma", **protons)
    neutrinos = PionDecaySpectralModel.of(hadronic, particle="neutrino", **protons)
    for name in pion.parameters.names:
        setattr(neutrinos, name, getattr(pion, name))
    compton = InverseComptonSpectralModel.of(
        leptonic, distance=source.distance, photon_fields=source.photon_fields
    )
    made = Datasets([*gamma, *neutrino])
    place = spatial_model(source)
    made.models = Models(
        [
            SkyModel(pion, place, name=PION_GAMMA, datasets_names=names[0]),
            SkyModel(neutrinos, place, name=PION_NEUTRINO, datasets_names=names[1]),
            SkyModel(compton, place, name=COMPTON, datasets_names=names[0]),
        ]
    )
    return made


def share_out(datasets: Datasets, hadronic: float, leptonic: float) -> None:
    """Sets the amplitudes of the two components, 1/eV."""
    models = datasets.models
    models[PION_GAMMA].spectral_model.amplitude.value = hadronic
    models[COMPTON].spectral_model.amplitude.value = leptonic


def set_asimov(datasets: Datasets) -> None:
    """Sets the observed counts to the expected counts of the current models."""
    for dataset in datasets:
        dataset.counts = dataset.npred()


def fit_electrons(datasets: Datasets, free: Sequence[str] = ("amplitude", "alpha")) -> float:
    """Fits the electrons with gammapy's minimiser, with everything else fixed.

    Parameters
    ----------
    datasets
        Of `modelled`.
    free
        Names of the parameters to fit. Together with the cutoff they are nearly degenerate, and
        gammapy's minimiser may stop one unit of the statistic above the minimum.

    Returns
    -------
    float
        The statistic at the minimum.
    """
    for model in datasets.models:
        model.spectral_model.parameters.freeze_all()
    electrons = datasets.models[COMPTON].spectral_model
    for name in free:
        getattr(electrons, name).frozen = False
    result = Fit().optimize(datasets)
    if not result.success:
        raise InferenceError(f"gammapy's fit did not converge: {result.message}")
    return float(result.total_stat)
