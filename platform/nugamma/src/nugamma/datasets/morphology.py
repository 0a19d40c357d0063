"""What datasets need to know of a source: where it is and how it looks."""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from gammapy.modeling.models import (
    DiskSpatialModel,
    GaussianSpatialModel,
    PointSpatialModel,
    SpatialModel,
)

from nugamma.errors import DatasetError

#: On KM3NeT's pixels gammapy integrates such a disk to 3 %, and larger ones to 1 %; on CTA's it is
#: better.
SMALLEST_DISK = 0.05 * u.deg

Shape = Literal["disk", "gaussian", "point"]


class Placed(Protocol):
    """A source as datasets see it."""

    @property
    def name(self) -> str:
        """Name, for messages."""

    @property
    def position(self) -> SkyCoord:
        """Centre on the sky."""

    @property
    def morphology(self) -> Shape:
        """How its brightness goes with the distance from the centre."""

    @property
    def radius(self) -> u.Quantity:
        """Radius of a disk, sigma of a Gaussian; not looked at for a point."""


def spatial_model(source: Placed) -> SpatialModel:
    """Morphology of a source as gammapy's spatial model, with all parameters fixed.

    Raises
    ------
    DatasetError
        If the morphology is unknown, or its size makes no sense.
    """
    position = source.position.icrs
    place = {"lon_0": position.ra, "lat_0": position.dec, "frame": "icrs"}
    if source.morphology == "point":
        model = PointSpatialModel(**place)
    elif source.morphology in ("disk", "gaussian"):
        radius = u.Quantity(source.radius, "deg")
        if not (np.isfinite(radius) and 0 * u.deg < radius <= 5 * u.deg):
            raise DatasetError(
                f"source {source.name}: a {source.morphology} of radius {radius} does not fit "
                "into the maps; between 0 and 5 deg do (for no extent, say point)"
            )
        if source.morphology == "disk":
            if radius < SMALLEST_DISK:
                raise DatasetError(
                    f"source {source.name}: a disk of radius {radius} is too small for the pixels "
                    f"of the maps, at least {SMALLEST_DISK} are needed; say point instead"
                )
            model = DiskSpatialModel(r_0=radius, **place)
        else:
            model = GaussianSpatialModel(sigma=radius, **place)
    else:
        raise DatasetError(
            f"source {source.name}: morphology {source.morphology!r} is unknown; "
            "there are disk, gaussian and point"
        )
    model.freeze()
    return model
