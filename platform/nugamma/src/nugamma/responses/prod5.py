"""CTAO's public Prod5 responses: which one to use, and where its file is.

The release prod5 v0.1 (doi:10.5281/zenodo.5499840, licence CC BY 4.0) has responses for both sites
and for zenith angles of 20, 40 and 60 deg. `load` takes a name such as ``north-40deg``, the path of
a file, or nothing: then it returns the table of performance figures in this package
(`nugamma.responses.performance`), which is made from the response of the publication.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from nugamma.errors import ResponseError
from nugamma.responses.cta import PUBLISHED_SHA256, CtaResponse
from nugamma.responses.performance import packaged

#: The file of arXiv:2309.03007, as its public repository keeps it.
ADDRESS = (
    "https://raw.githubusercontent.com/KM3NeT/Analysis-galactic-sources-CTA-KM3NeT/"
    "189f79d78be8eaabd4dd10e5462d583ab412cb74/data/cta/irfs/irf_file_new_CTA.fits"
)
#: Names of responses.
NAME = re.compile(r"(south|north)-(20|40|60)deg")
#: Telescopes of the first construction phase ("Alpha configuration"), as in the file names.
ARRAYS = {"south": "14MSTs37SSTs", "north": "4LSTs09MSTs"}
#: Environment variables with folders that are searched for the files, in this order.
FOLDERS = ("NUGAMMA_CTA_FOLDER", "GAMMAPY_DATA")


def load(given: CtaResponse | str | Path | None = None) -> CtaResponse:
    """Returns a response of CTA.

    Parameters
    ----------
    given
        A response (returned as it is), the path of its FITS file, or a name as in `released_file`;
        by default the packaged table, South at 20 deg.

    Raises
    ------
    ResponseError
        If the file is missing, or is not a usable response.
    """
    if isinstance(given, CtaResponse):
        return given
    if given is None:
        return packaged()
    if NAME.fullmatch(str(given)) and not Path(given).exists():
        found = released_file(str(given))
        return packaged() if found is None else CtaResponse.read(found)
    return CtaResponse.read(given)


def released_file(name: str) -> Path | None:
    """Returns the file of a released response, given its site and zenith angle.

    The file is that with cuts for 50 h, averaged over azimuth, under the name that it has in the
    release and after `gammapy download datasets`. It is searched for below the folders in the
    environment variables `FOLDERS`.

    Parameters
    ----------
    name
        Such as ``north-40deg``.

    Returns
    -------
    Path or None
        None for ``south-20deg`` without its file: the packaged table takes its place.

    Raises
    ------
    ResponseError
        If there is no such response, or its file is not found.
    """
    match = NAME.fullmatch(name)
    if match is None:
        raise ResponseError(
            f"unknown CTA response {name!r}: use south or north with 20, 40 or 60 deg, as in "
            "north-40deg, or the path of a file"
        )
    site, zenith = match.groups()
    pattern = f"Prod5-{site.title()}-{zenith}deg-AverageAz-{ARRAYS[site]}.180000s-v0.1.fits"
    for folder in filter(None, (os.environ.get(key) for key in FOLDERS)):
        found = sorted(p for p in Path(folder).rglob(f"{pattern}*") if p.is_file())
        if found:
            return found[0]
    if name == "south-20deg":
        return None
    raise ResponseError(
        f"the CTA response {name} is not on this machine: download {pattern}.gz from CTAO's "
        "release prod5 v0.1 (doi:10.5281/zenodo.5499840) and set NUGAMMA_CTA_FOLDER to its "
        "folder, or give the path of the file"
    )


def download(folder: str | Path, *, address: str = ADDRESS, sha256: str = PUBLISHED_SHA256) -> Path:
    """Downloads the response file of the publication, unless the folder already has it.

    Parameters
    ----------
    folder
        Where to keep it.
    address, sha256
        Another file, and its checksum.

    Raises
    ------
    ResponseError
        If the server cannot be reached, or the file does not have this checksum.
    """
    from openkm3.cache import Cache
    from openkm3.errors import OpenKM3Error

    try:
        return Cache(Path(folder), address).fetch(address, sha256=sha256).file
    except (OpenKM3Error, OSError) as error:
        raise ResponseError(f"the CTA response could not be downloaded: {error}") from None
