"""From a gammapy dataset to its linear response, pixel by pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from astropy import units as u
from gammapy.datasets import MapDataset
from gammapy.datasets.evaluator import MapEvaluator
from gammapy.maps import Map
from gammapy.modeling.models import PowerLawSpectralModel, SkyModel, SpatialModel

from nugamma.errors import DatasetError

Floats = npt.NDArray[np.float64]
Messenger = Literal["gamma", "neutrino"]


@dataclass(frozen=True, eq=False)
class PixelResponse:
    """Expected counts of a map dataset as a linear function of the source's flux, without loss.

    The map is cut out around the source as far as its events can be; pixels outside contain only
    background.

    Parameters
    ----------
    name, messenger, energy_true
        As in `~nugamma.datasets.FoldedDataset`.
    before_dispersion
        Exposure times morphology, convolved with the point spread function: events in a pixel of
        the cutout for an integral flux of 1 cm-2 s-1 in a true-energy bin, shape (n_true, pixels).
    dispersion
        Probability of each reconstructed-energy bin, shape (n_true, n_reco).
    background
        Expected background in the cutout, shape (n_reco, pixels).
    used
        Pixels of the cutout that the analysis uses, shape (n_reco, pixels).
    outside
        Expected background outside the cutout, shape (n_reco,).
    cutout
        The cutout as slices (y, x) of the map's images.
    """

    name: str
    messenger: Messenger
    energy_true: u.Quantity
    before_dispersion: Floats
    dispersion: Floats
    background: Floats
    used: npt.NDArray[np.bool_]
    outside: Floats
    cutout: tuple[slice, slice]

    @property
    def n_reco(self) -> int:
        """Number of reconstructed-energy bins."""
        return len(self.background)

    def signal(self, flux: npt.ArrayLike) -> Floats:
        """Returns the expected source counts in the cutout, shape (n_reco, pixels).

        Parameters
        ----------
        flux
            Of the source, integrated over each true-energy bin, cm-2 s-1, shape (n_true,).
        """
        weighted = self.dispersion * np.asarray(flux, dtype=float)[:, np.newaxis]
        return np.asarray(weighted.T @ self.before_dispersion)


def pixel_response(
    dataset: MapDataset, morphology: SpatialModel, messenger: Messenger
) -> PixelResponse:
    """Returns the linear response of a map dataset to a source with this morphology.

    gammapy convolves the morphology with the point spread function and multiplies by the exposure;
    only the spectrum is left out, in which the expected counts are linear.

    Raises
    ------
    DatasetError
        If a map is missing, negative or not finite, or the source lies outside the map.
    """
    _check(dataset)
    # Any spectrum will do, as it is not evaluated.
    model = SkyModel(spatial_model=morphology, spectral_model=PowerLawSpectralModel())
    geom = dataset.background.geom
    evaluator = MapEvaluator(model=model)
    evaluator.update(dataset.exposure, dataset.psf, dataset.edisp, geom, dataset.mask_image)
    if not evaluator.contributes:
        raise DatasetError(f"dataset {dataset.name}: the source lies outside the map")
    shape = evaluator.compute_flux_spatial()
    counts = evaluator.apply_exposure(
        Map.from_geom(
            evaluator.geom, data=shape.quantity.value, unit=shape.unit * u.Unit("cm-2 s-1")
        )
    )
    image, cut = geom.to_image(), evaluator.geom.to_image()
    left, bottom = (int(np.rint(x.item())) for x in image.coord_to_pix(cut.pix_to_coord((0, 0))))
    height, width = cut.data_shape
    box = (slice(bottom, bottom + height), slice(left, left + width))

    background = dataset.background.data.astype(float)
    used = dataset.mask_safe.data if dataset.mask_safe else np.ones(background.shape, dtype=bool)
    inside = (slice(None), *box)
    n_true, n_reco = len(counts.data), len(background)
    total = np.where(used, background, 0).sum(axis=(1, 2))
    within = np.where(used[inside], background[inside], 0).reshape(n_reco, -1)
    return PixelResponse(
        name=dataset.name,
        messenger=messenger,
        energy_true=dataset.exposure.geom.axes["energy_true"].edges.to("TeV"),
        before_dispersion=counts.data.reshape(n_true, -1).astype(float),
        dispersion=evaluator.edisp.pdf_matrix.astype(float),
        background=background[inside].reshape(n_reco, -1),
        used=used[inside].reshape(n_reco, -1),
        outside=np.maximum(total - within.sum(axis=1), 0),
        cutout=box,
    )


def _check(dataset: MapDataset) -> None:
    """Refuses invalid maps that gammapy would accept."""
    for what in ("exposure", "background", "edisp", "psf"):
        if getattr(dataset, what) is None:
            raise DatasetError(f"dataset {dataset.name} has no {what}")
    for what in ("exposure", "background"):
        values = getattr(dataset, what).data
        if not np.all(np.isfinite(values)):
            raise DatasetError(f"dataset {dataset.name}: the {what} has non-finite numbers")
        if np.any(values < 0):
            raise DatasetError(f"dataset {dataset.name}: the {what} is negative in places")
    if not np.any(dataset.exposure.data):
        raise DatasetError(f"dataset {dataset.name}: the exposure is zero everywhere")
