"""The full datasets of Vela X, made once for all tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from gammapy.datasets import MapDataset

from nugamma.datasets import FoldedDataset, PixelResponse, group, pixel_response
from nugamma.datasets.morphology import spatial_model
from nugamma.datasets.published import ARCA, CTA
from nugamma.responses.cta import CtaResponse
from nugamma.sources import Source, load_source
from nugamma.sources.fit import particle_spectra
from nugamma.spectra import ParticleSpectrum, SpectralOperator

PUBLIC = Path(__file__).resolve().parents[4] / "shared/data/joint/irf_file_new_CTA.fits"


@pytest.fixture(scope="session")
def vela() -> Source:
    return load_source("VelaX")


@pytest.fixture(scope="session")
def spectra(vela) -> tuple[ParticleSpectrum, ParticleSpectrum]:
    """Protons and electrons that fit the flux points."""
    hadronic, leptonic = particle_spectra(vela)
    assert hadronic
    assert leptonic
    return hadronic, leptonic


@pytest.fixture(scope="session")
def gamma_fluxes(vela, spectra, cta_maps) -> dict[str, np.ndarray]:
    """Gamma-ray flux in each true-energy bin, cm-2 s-1, of pion decay and inverse Compton."""
    edges = cta_maps.exposure.geom.axes["energy_true"].edges
    kinds = ("pion-gamma", "inverse-compton")
    return {
        kind: SpectralOperator(edges, kind, vela.distance).flux(particles).value
        for kind, particles in zip(kinds, spectra, strict=True)
    }


@pytest.fixture(scope="session")
def public() -> CtaResponse:
    if not PUBLIC.is_file():
        pytest.skip(
            "needs the public CTA response: nugamma.responses.prod5.download fetches it, put it "
            "into ../shared/data/joint beside the checkout"
        )
    return CtaResponse.read(PUBLIC)


@pytest.fixture(scope="session")
def cta_maps(vela, public) -> MapDataset:
    return next(CTA.replace(response=public).maps(vela))


@pytest.fixture(scope="session")
def cta_pixels(vela, cta_maps) -> PixelResponse:
    return pixel_response(cta_maps, spatial_model(vela), "gamma")


@pytest.fixture(scope="session")
def arca_maps(vela) -> list[MapDataset]:
    """Return maps with a step of a day: as exact as 8 h, and made in less time."""
    return list(ARCA.replace(time_step=24 * u.hour).maps(vela))


@pytest.fixture(scope="session")
def arca_pixels(vela, arca_maps) -> list[PixelResponse]:
    return [pixel_response(maps, spatial_model(vela), "neutrino") for maps in arca_maps]


@pytest.fixture(scope="session")
def arca_folded(arca_pixels) -> list[FoldedDataset]:
    return [group(pixels) for pixels in arca_pixels]
