"""The same analysis with gammapy's own `Datasets` and `Fit`: slow, and independent of the groups.

It evaluates every pixel of every map, so it serves as the cross-check of the fast likelihood, and
as the start of an analysis that needs something which the fast one does not have.
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
    datasets: Sequence[MapDataset],
    hadronic: ParticleSpectrum,
    leptonic: ParticleSpectrum,
) -> Datasets:
    """Datasets with both components of a source; protons are the same for both messengers.

    Parameters
    ----------
    source
        Position, morphology, distance and surroundings.
    datasets
        Of `nugamma.datasets.map_datasets`: ``cta``, then ``nu1``, ``nu2``...
    hadronic, leptonic
        Particles of the two components as they are now; zero amplitude takes one out.
    """
    gamma = [dataset.name for dataset in datasets if dataset.name == "cta"]
    neutrino = [dataset.name for dataset in datasets if dataset.name != "cta"]
    if not gamma or not neutrino:
        raise InferenceError("the reference needs the datasets of CTA and of KM3NeT")
    protons = {"distance": source.distance, "target_density": source.target_density}
    pion = PionDecaySpectralModel.of(hadronic, particle="gamma", **protons)
    neutrinos = PionDecaySpectralModel.of(hadronic, particle="neutrino", **protons)
    for name in pion.parameters.names:
        setattr(neutrinos, name, getattr(pion, name))
    compton = InverseComptonSpectralModel.of(
        leptonic, distance=source.distance, photon_fields=source.photon_fields
    )
    made = Datasets(list(datasets))
    place = spatial_model(source)
    made.models = Models(
        [
            SkyModel(pion, place, name=PION_GAMMA, datasets_names=gamma),
            SkyModel(neutrinos, place, name=PION_NEUTRINO, datasets_names=neutrino),
            SkyModel(compton, place, name=COMPTON, datasets_names=gamma),
        ]
    )
    return made


def share_out(datasets: Datasets, hadronic: float, leptonic: float) -> None:
    """Set the amplitudes of the two components, 1/eV."""
    models = datasets.models
    models[PION_GAMMA].spectral_model.amplitude.value = hadronic
    models[COMPTON].spectral_model.amplitude.value = leptonic


def set_asimov(datasets: Datasets) -> None:
    """Make the expected counts of the present models the observed ones."""
    for dataset in datasets:
        dataset.counts = dataset.npred()


def fit_electrons(datasets: Datasets, free: Sequence[str] = ("amplitude", "alpha")) -> float:
    """Fit the electrons with gammapy's minimiser, everything else fixed.

    Parameters
    ----------
    datasets
        Of `modelled`.
    free
        Names of the parameters to fit. With the cutoff too they are nearly degenerate and
        gammapy's minimiser may stop a unit of the statistic above the minimum.

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
