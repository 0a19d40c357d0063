"""CTA-South: the public Prod5 response, from its FITS file or as a small table.

The publication (arXiv:2309.03007) used the response of the southern array (14 medium-sized and 37
small-sized telescopes) at 20 deg of zenith angle with cuts for 50 hours, from CTAO's public release
prod5 v0.1 (doi:10.5281/zenodo.5499840, licence CC BY 4.0). That file, given by its path or
downloaded, is read as it is. Without it, a table of performance figures takes its place, which is
part of this package (`nugamma.responses.performance`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from astropy import units as u
from gammapy.irf import EffectiveAreaTable2D, EnergyDispersion2D, load_irf_dict_from_file

from nugamma.errors import ResponseError
from nugamma.responses.fits import read_table

#: The file of the publication, as its public repository keeps it.
ADDRESS = (
    "https://raw.githubusercontent.com/KM3NeT/Analysis-galactic-sources-CTA-KM3NeT/"
    "189f79d78be8eaabd4dd10e5462d583ab412cb74/data/cta/irfs/irf_file_new_CTA.fits"
)
SHA256 = "9622c5c1961cedc18e58bf1fd5c492ac068abff8e92891bb7023d74fbf34b4ef"

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

    The members are gammapy's classes; ``checksum`` is the sha256 of the file that it was read from.
    """

    effective_area: EffectiveAreaTable2D
    energy_dispersion: EnergyDispersion2D
    psf: Any
    background: Any
    checksum: str

    @classmethod
    def read(cls, path: str | Path) -> CtaResponse:
        """Read a response file in the format of CTAO's releases (GADF).

        Raises
        ------
        ResponseError
            If it is missing, or holds other columns, units or numbers than it should.
        """
        path = Path(path)
        if not path.is_file():
            raise ResponseError(
                f"there is no CTA response {path}; nugamma.responses.cta.download gets the public "
                "one, and without a path a table of performance figures is used"
            )
        for hdu, columns in TABLES.items():
            read_table(path, columns, hdu)
        irfs = load_irf_dict_from_file(path)
        background = irfs["bkg"]
        # Energies without a simulated event are bridged, as gammapy's own makers do.
        background.interp_missing_data(axis_name="energy")
        return cls(
            effective_area=irfs["aeff"],
            energy_dispersion=irfs["edisp"],
            psf=irfs["psf"],
            background=background,
            checksum=hashlib.sha256(path.read_bytes()).hexdigest(),
        )

    @classmethod
    def compact(cls) -> CtaResponse:
        """The response made of the table of performance figures in this package."""
        from nugamma.responses.performance import packaged

        return packaged()


def download(folder: str | Path, *, address: str = ADDRESS, sha256: str = SHA256) -> Path:
    """Get the response file of the publication, once; later calls find it in the folder.

    Parameters
    ----------
    folder
        Where to keep it.
    address, sha256
        Another file, and its checksum.

    Raises
    ------
    ResponseError
        If it cannot be reached, or what arrives is not the file that it should be.
    """
    from openkm3.cache import Cache
    from openkm3.errors import OpenKM3Error

    try:
        return Cache(Path(folder), address).fetch(address, sha256=sha256).file
    except (OpenKM3Error, OSError) as error:
        raise ResponseError(f"the CTA response was not downloaded: {error}") from None
