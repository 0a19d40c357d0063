"""CTA: the public Prod5 responses, from their FITS files, and South at 20 deg as a small table.

The publication (arXiv:2309.03007) used the response of the southern array (14 medium-sized and 37
small-sized telescopes) at 20 deg of zenith angle with cuts for 50 hours, from CTAO's public release
prod5 v0.1 (doi:10.5281/zenodo.5499840, licence CC BY 4.0). That file, given by its path or
downloaded, is read as it is. Without it, a table of performance figures takes its place, which is
part of this package (`nugamma.responses.performance`).

The other responses of the release (both sites, 20, 40 and 60 deg) are chosen by name where their
files are found (`named`), and by path anywhere.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from astropy import units as u
from astropy.io import fits
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
    ``site`` (``"south"`` or ``"north"``) and ``zenith`` are None where the file does not say them.
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
        """Read a response file in the format of CTAO's releases (GADF).

        Parameters
        ----------
        path
            Of the file, or a name that `named` finds.

        Raises
        ------
        ResponseError
            If it is missing, or holds other columns, units or numbers than it should.
        """
        if NAME.fullmatch(str(path)) and not Path(path).exists():
            found = named(str(path))
            if found is None:
                return cls.compact()
            path = found
        path = Path(path)
        if not path.is_file():
            raise ResponseError(
                f"there is no CTA response {path}; nugamma.responses.cta.download gets the public "
                "one, and without a path a table of performance figures is used"
            )
        for hdu, columns in TABLES.items():
            read_table(path, columns, hdu)
        checksum = hashlib.sha256(path.read_bytes()).hexdigest()
        try:
            irfs = load_irf_dict_from_file(path)
            background = irfs["bkg"]
            # Energies without a simulated event are bridged, as gammapy's own makers do.
            background.interp_missing_data(axis_name="energy")
        except Exception as error:  # gammapy raises whatever its parts do
            raise ResponseError(f"{path}: not a response that gammapy reads: {error}") from error
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

    @classmethod
    def compact(cls) -> CtaResponse:
        """The response made of the table of performance figures in this package."""
        from nugamma.responses.performance import packaged

        return packaged()


def named(name: str) -> Path | None:
    """File of a response of the release by site and zenith angle, such as ``north-40deg``.

    Looked for, with the 50 h cuts and averaged over azimuth, below the folders that
    NUGAMMA_CTA_FOLDER and GAMMAPY_DATA name, as `gammapy download datasets` and the release
    (doi:10.5281/zenodo.5499840) call them. None stands for the table in this package, which takes
    the place of ``south-20deg``.

    Raises
    ------
    ResponseError
        There is no such response, or its file is not there.
    """
    match = NAME.fullmatch(name)
    if match is None:
        raise ResponseError(
            f"CTA response {name!r} is not known: south or north with 20, 40 or 60 deg, as in "
            "north-40deg, or the path of a file"
        )
    site, zenith = match.groups()
    pattern = f"Prod5-{site.title()}-{zenith}deg-AverageAz-{_ARRAYS[site]}.180000s-v0.1.fits"
    folders = [os.environ.get(key) for key in ("NUGAMMA_CTA_FOLDER", "GAMMAPY_DATA")]
    for folder in filter(None, folders):
        found = sorted(p for p in Path(folder).rglob(f"{pattern}*") if p.is_file())
        if found:
            return found[0]
    if name == "south-20deg":
        return None
    raise ResponseError(
        f"the CTA response {name} is not on this machine: get {pattern}.gz of CTAO's release "
        "prod5 v0.1 (doi:10.5281/zenodo.5499840) and name its folder in NUGAMMA_CTA_FOLDER, or "
        "give its path"
    )


#: Names of responses.
NAME = re.compile(r"(south|north)-(20|40|60)deg")
_ARRAYS = {"south": "14MSTs37SSTs", "north": "4LSTs09MSTs"}


def _made_for(path: Path, checksum: str) -> tuple[str | None, u.Quantity | None]:
    """Site, from the header, and zenith angle, from the name of the file, that a response is for.

    The release writes the zenith angle nowhere else.
    """
    if checksum == SHA256:
        return "south", 20 * u.deg
    told = " ".join(
        str(fits.getheader(path, hdu).get("INSTRUME", "")) for hdu in (0, "EFFECTIVE AREA")
    )
    sites = {
        site for text in (told, path.name) for site in ("south", "north") if site in text.lower()
    }
    if len(sites) > 1:
        raise ResponseError(
            f"{path}: its name and its header (INSTRUME {told.strip()}) disagree on the site"
        )
    zenith = re.search(r"(?<!\d)([2-7]\d)deg", path.name)
    return next(iter(sites), None), int(zenith.group(1)) * u.deg if zenith else None


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
