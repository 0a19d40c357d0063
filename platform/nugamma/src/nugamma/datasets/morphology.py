"""What datasets need to know about a source: position and morphology."""

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

#: Smallest disk: on KM3NeT's pixels gammapy integrates it to 3 %, larger ones to 1 %; on CTA's
#: pixels it is better. Largest radius that fits into the maps.
SMALLEST_DISK, LARGEST_RADIUS = 0.05 * u.deg, 5 * u.deg

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
        """Surface brightness as a function of the distance from the centre."""

    @property
    def radius(self) -> u.Quantity:
        """Radius of a disk, sigma of a Gaussian; not used for a point."""


def spatial_model(source: Placed) -> SpatialModel:
    """Returns the morphology of a source as gammapy's spatial model, with all parameters fixed.

    Raises
    ------
    DatasetError
        If the morphology is unknown, or its size is out of range.
    """
    position = source.position.icrs
    place = {"lon_0": position.ra, "lat_0": position.dec, "frame": "icrs"}
    if source.morphology == "point":
        model = PointSpatialModel(**place)
    elif source.morphology in ("disk", "gaussian"):
        radius = u.Quantity(source.radius, "deg")
        if not (np.isfinite(radius) and 0 * u.deg < radius <= LARGEST_RADIUS):
            raise DatasetError(
                f"source {source.name}: a {source.morphology} of radius {radius} does not fit "
                "into the maps; use a radius between 0 and 5 deg, or point for no extent"
            )
        if source.morphology == "disk":
            if radius < SMALLEST_DISK:
                raise DatasetError(
                    f"source {source.name}: a disk of radius {radius} is too small for the pixels "
                    f"of the maps; use at least {SMALLEST_DISK}, or point"
                )
            model = DiskSpatialModel(r_0=radius, **place)
        else:
            model = GaussianSpatialModel(sigma=radius, **place)
    else:
        raise DatasetError(
            f"source {source.name}: unknown morphology {source.morphology!r}; "
            "use disk, gaussian or point"
        )
    model.freeze()
    return model
