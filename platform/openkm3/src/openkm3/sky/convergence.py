"""The angle between true north and the north of a UTM grid.

The sign is that of surveying: the convergence is the azimuth of grid north, which is positive if
grid north is east of true north, as it is on the northern hemisphere east of the central meridian.
"""

import math

WGS84_FLATTENING = 1 / 298.257223563


def central_meridian(zone: int) -> float:
    """Return the longitude of the central meridian of a UTM zone (1 to 60), in degrees."""
    if not 1 <= zone <= 60:
        msg = f"UTM zone {zone} does not exist: zones are 1 to 60, for example 32 for ORCA"
        raise ValueError(msg)
    return 6.0 * zone - 183.0


def grid_convergence(latitude: float, longitude: float, zone: int) -> float:
    """Return the meridian convergence of the transverse Mercator projection.

    Parameters
    ----------
    latitude, longitude : float
        Geodetic position on WGS 84, in degrees.
    zone : int
        UTM zone, 1 to 60.

    Returns
    -------
    float
        Convergence in degrees, good to 1e-9 deg inside a zone.

    Notes
    -----
    Krüger's series in the third flattening to fourth order, as in C. F. F. Karney, "Transverse
    Mercator with an accuracy of a few nanometers", J. Geod. 85 (2011) 475, equations 7-9, 23-26
    and 35.
    """
    n = WGS84_FLATTENING / (2 - WGS84_FLATTENING)
    eccentricity = math.sqrt(WGS84_FLATTENING * (2 - WGS84_FLATTENING))
    alpha = (
        n / 2 - 2 * n**2 / 3 + 5 * n**3 / 16 + 41 * n**4 / 180,
        13 * n**2 / 48 - 3 * n**3 / 5 + 557 * n**4 / 1440,
        61 * n**3 / 240 - 103 * n**4 / 140,
        49561 * n**4 / 161280,
    )
    east = math.radians(longitude - central_meridian(zone))
    tau = math.tan(math.radians(latitude))
    sigma = math.sinh(eccentricity * math.atanh(eccentricity * tau / math.hypot(1, tau)))
    conformal = tau * math.hypot(1, sigma) - sigma * math.hypot(1, tau)
    xi = math.atan2(conformal, math.cos(east))
    eta = math.asinh(math.sin(east) / math.hypot(conformal, math.cos(east)))
    p, q = 1.0, 0.0
    for j, coefficient in enumerate(alpha, start=1):
        p += 2 * j * coefficient * math.cos(2 * j * xi) * math.cosh(2 * j * eta)
        q += 2 * j * coefficient * math.sin(2 * j * xi) * math.sinh(2 * j * eta)
    spherical = math.atan(conformal / math.hypot(1, conformal) * math.tan(east))
    return math.degrees(spherical + math.atan2(q, p))


def km3net_convergence(latitude: float, longitude: float, zone: int) -> float:
    """Return the convergence angle that KM3NeT's own software uses.

    aanet and km3astro sum a series in the distance from the central meridian, in which all terms
    after the first have the wrong sign. Their value is therefore the exact one mirrored at the
    first term, distance times sin(latitude). It is wrong by 0.0020 deg for ORCA, 0.0017 deg for
    ANTARES and 0.0001 deg for ARCA. Published coordinates contain this error, so the sites use it
    by default.

    Parameters and result are as for `grid_convergence`.
    """
    first = (longitude - central_meridian(zone)) * math.sin(math.radians(latitude))
    return 2 * first - grid_convergence(latitude, longitude, zone)
