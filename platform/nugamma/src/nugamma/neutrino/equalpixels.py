"""HEALPix cells as a map of equal pixels in ICRS."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nugamma.neutrino.healpixels import Cells, axes_of, pixels

Floats = npt.NDArray[np.float64]

#: Number of pixels that are transformed at a time.
BATCH = 250_000


def on_equal_pixels(cells: Cells, nside: int) -> Floats:
    """Returns the probability in pixels of equal size (ring order, ICRS)."""
    import healpy  # type: ignore[import-untyped]

    order, depth, pixel = int(np.log2(nside)), cells.order, pixels(cells.uniq)
    found = np.zeros(12 * nside**2)
    fine = depth >= order
    np.add.at(found, pixel[fine] // 4 ** (depth[fine] - order), cells.probability[fine])
    for level in np.unique(depth[~fine]):
        # A coarse cell is a range of pixels.
        chosen, width = depth == level, 4 ** (order - level)
        runs = pixel[chosen][:, np.newaxis] * width + np.arange(width)
        found[runs] = cells.probability[chosen][:, np.newaxis] / width
    if cells.frame != "icrs":
        found = _in_icrs(found, cells.frame)
    return np.asarray(healpy.reorder(found, n2r=True))


def _in_icrs(values: Floats, frame: str) -> Floats:
    """Returns a map in nested order on ICRS pixels: the mean over 16 points in each."""
    import healpy

    nside, matrix = healpy.npix2nside(values.size), axes_of(frame)
    found = np.empty_like(values)
    for start in range(0, values.size, BATCH):
        stop = min(start + BATCH, values.size)
        places = healpy.pix2ang(4 * nside, np.arange(16 * start, 16 * stop), nest=True, lonlat=True)
        where = healpy.ang2pix(nside, *turned(matrix, *places), nest=True, lonlat=True)
        found[start:stop] = values[where].reshape(-1, 16).mean(axis=1)
    # The pixels of the two frames differ, so the mean is not exact for single bright pixels.
    return np.asarray(found / found.sum())


def turned(matrix: Floats, longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Returns directions (deg) in another frame."""
    import healpy

    return healpy.vec2ang(  # type: ignore[no-any-return]
        (matrix @ healpy.ang2vec(longitude, latitude, lonlat=True).T).T, lonlat=True
    )
