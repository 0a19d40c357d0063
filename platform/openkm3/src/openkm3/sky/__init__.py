"""From the detector's frame to the sky and back, for ORCA, ARCA and ANTARES.

In a detector's frame, x points to grid east and y to grid north of its UTM zone, and z up. A track
has two directions, and both have names here: the particle **flies** along ``theta, phi`` (or
``dir_x, dir_y, dir_z``), and it **comes from** its source at ``zenith, azimuth``. A sky map shows
the source.

>>> from openkm3.sky import LocalDirection
>>> track = LocalDirection.from_flight_vector(dir_x, dir_y, dir_z)
>>> track.to_sky("2019-10-10T00:00:18.5", "ORCA").galactic

Nothing here uses the network. Against all coordinate benchmarks of ``km3net-testdata`` the
largest difference is 0.0108 deg for stars and tracks and 0.018 deg for Moon and Sun
(``README.md`` in this folder explains the differences).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from openkm3.sky.convergence import grid_convergence, km3net_convergence
from openkm3.sky.sites import ANTARES, ARCA, ORCA, Site, UnknownSiteError, site

if TYPE_CHECKING:
    from openkm3.sky.bodies import body, separation
    from openkm3.sky.local import LocalDirection

# Modules that need astropy are imported at first use: servers that only need the sites, as alerts
# do, save a second and 40 MB.
_LATER = {"LocalDirection": "local", "body": "bodies", "separation": "bodies"}

__all__ = [
    "ANTARES",
    "ARCA",
    "ORCA",
    "LocalDirection",
    "Site",
    "UnknownSiteError",
    "body",
    "grid_convergence",
    "km3net_convergence",
    "separation",
    "site",
]


def __getattr__(name: str) -> object:
    if name in _LATER:
        return getattr(import_module(f"openkm3.sky.{_LATER[name]}"), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
