"""CTA's response, read from a FITS file in the format of CTAO's releases.

The publication (arXiv:2309.03007) used the response of the southern array (14 medium-sized and 37
small-sized telescopes) at a zenith angle of 20 deg, with cuts for 50 hours, from CTAO's public
release prod5 v0.1 (doi:10.5281/zenodo.5499840, licence CC BY 4.0). `nugamma.responses.prod5` finds
the files of that release; `nugamma.responses.performance` is a small table made from this one.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from astropy import units as u
from astropy.io import fits
from gammapy.irf import EffectiveAreaTable2D, EnergyDispersion2D, load_irf_dict_from_file

from nugamma.errors import ResponseError
from nugamma.responses.fits import read_table

#: Checksum of the file that the publication used; it does not contain its site and zenith angle.
PUBLISHED_SHA256 = "9622c5c1961cedc18e58bf1fd5c492ac068abff8e92891bb7023d74fbf34b4ef"

_ENERGY = {"ENERG_LO": u.TeV, "ENERG_HI": u.TeV}
_THETA = {"THETA_LO": u.deg, "THETA_HI": u.deg}
_MIGRA = {"MIGRA_LO": u.one, "MIGRA_HI": u.one}
#: Tables of the file, and units that their columns must be convertible to.
TABLES: dict[str, dict[str, u.UnitBase]] = {
    "EFFECTIVE AREA": {**_ENERGY, **_THETA, "EFFAREA": u.m**2},
    "POINT SPREAD FUNCTION": {**_ENERGY, **_THETA},
    "ENERGY DISPERSION": {**_ENERGY, **_THETA, **_MIGRA, "MATRIX": u.one},
    "BACKGROUND": {**_ENERGY, "BKG": u.Unit("MeV-1 s-1 sr-1")},
}


@dataclass(frozen=True, eq=False)
class CtaResponse:
    """Effective area, energy dispersion, point spread function and background of CTA.

    Attributes
    ----------
    effective_area, energy_dispersion, psf, background
        The responses as gammapy's classes.
    checksum
        sha256 of the file.
    site
        ``"south"`` or ``"north"``; None if the file does not contain it.
    zenith
        Zenith angle for which the response was simulated; None if the file does not contain it.
    """

    effective_area: EffectiveAreaTable2D
    energy_dispersion: EnergyDispersion2D
    psf: Any
    background: Any
    checksum: str
    site: str | None = None
    zenith: u.Quantity | None = None

    @classmethod
    def read(cls, path: str | Path) -> CtaResponse:
        """Reads a response file in the format of CTAO's releases (GADF).

        Parameters
        ----------
        path
            Of the file.

        Raises
        ------
        ResponseError
            If the file is missing, or has missing columns, wrong units or invalid numbers.
        """
        path = Path(path)
        if not path.is_file():
            raise ResponseError(
                f"CTA response {path} not found; nugamma.responses.prod5.download fetches the "
                "public one, and without a path the table in this package is used"
            )
        for hdu, columns in TABLES.items():
            read_table(path, columns, hdu)
        checksum = hashlib.sha256(path.read_bytes()).hexdigest()
        try:
            irfs = load_irf_dict_from_file(path)
            background = irfs["bkg"]
            # Fills energies without a simulated event by interpolation, as gammapy's makers do.
            background.interp_missing_data(axis_name="energy")
        except Exception as error:  # gammapy raises whatever its parts do
            raise ResponseError(f"{path}: gammapy cannot read this response: {error}") from error
        missing = {"aeff", "edisp", "psf", "bkg"} - irfs.keys()
        if missing:
            raise ResponseError(f"{path}: the response has no {', '.join(sorted(missing))}")
        site, zenith = _made_for(path, checksum)
        return cls(
            effective_area=irfs["aeff"],
            energy_dispersion=irfs["edisp"],
            psf=irfs["psf"],
            background=background,
            checksum=checksum,
            site=site,
            zenith=zenith,
        )


def _made_for(path: Path, checksum: str) -> tuple[str | None, u.Quantity | None]:
    """Returns the site (from header and file name) and zenith angle (from the file name).

    The file name is the only place where the release gives the zenith angle.
    """
    if checksum == PUBLISHED_SHA256:
        return "south", 20 * u.deg
    instrument = " ".join(
        str(fits.getheader(path, hdu).get("INSTRUME", "")) for hdu in (0, "EFFECTIVE AREA")
    )
    sites = {
        site
        for text in (instrument, path.name)
        for site in ("south", "north")
        if site in text.lower()
    }
    if len(sites) > 1:
        raise ResponseError(
            f"{path}: the file name and the header (INSTRUME {instrument.strip()}) name "
            "different sites"
        )
    zenith = re.search(r"(?<!\d)([2-7]\d)deg", path.name)
    return next(iter(sites), None), int(zenith.group(1)) * u.deg if zenith else None
