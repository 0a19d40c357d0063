"""ANTARES 2007-2017: the public events, acceptance and background of the point source search.

The files are those of the public ANTARES back end: `ANTARES.data` (RA, declination, number of
hits, error estimate, MJD), `acc.txt` (16 spectral indices by 20 bins of sin(declination)) and
`background.txt` (7 coefficients in declination). Paper: Albert et al., ApJL 863, L30 (2018).
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from opendata.importers.publication import renew
from opendata.records.models import Version
from opendata.vo.antares import identifiers
from openkm3 import annotated
from openkm3.errors import FormatError
from openkm3.formats import DataSet, write
from openkm3.metadata import Annotation

PAPER = "10.3847/2041-8213/aad8c0"
_PREFIX = "ANTARES 2007-2017"
_HEADER = {
    "author": "ANTARES Collaboration",
    "contact": "opendata@km3net.de",
    "instrument": "ANTARES",
    "license": "CC-BY-4.0",
    "reference": f"https://doi.org/{PAPER}",
    "version": "1.0",
    "created": "2020-10-01",
}
_CHANGES = "The ANTARES data as imported."
_TIME = {
    "time": {
        "measurement_start": "2007-02-07T00:00:00",
        "measurement_stop": "2018-01-01T00:00:00",
        "ktype": "km3.range.time",
    }
}
_DECLINATION = {
    "name": "Declination",
    "description": "Source declination",
    "unit": "deg",
    "symbol": "%delta",
    "range": [-90, 90],
}


def events(path: Path) -> DataSet:
    """Read the event list; rows are ordered in time and numbered ``ANT0001`` ...

    Raises
    ------
    FormatError
        If it is not a table of five numbers per row, or a position is not on the sky.
    """
    raw = _numbers(path)
    if raw.ndim != 2 or raw.shape[1] != 5:
        raise FormatError(path, "must have the five columns RA, Decl, Nhit, Beta, MJD")
    if not ((raw[:, 0] >= 0) & (raw[:, 0] <= 360) & (np.abs(raw[:, 1]) <= 90)).all():
        raise FormatError(
            path,
            "has a right ascension outside 0 to 360 or a declination outside -90 to 90 degrees",
        )
    raw = raw[np.argsort(raw[:, 4], kind="stable")]
    from astropy.table import Table

    table = Table(
        {
            "mjd": raw[:, 4],
            "beta": raw[:, 3],
            "nhit": raw[:, 2].astype("i4"),
            "ra": raw[:, 0],
            "decl": raw[:, 1],
            "id": identifiers(raw[:, 4].tolist()),
        },
        units={"mjd": "d", "beta": "deg", "ra": "deg", "decl": "deg"},
    )
    return DataSet({"events": table}, event_annotation())


def event_annotation(**header: str | None) -> Annotation:
    """Returns the metadata of the event list."""
    return Annotation.parse(
        {
            "ktype": "km3.resource.service.scs",
            "header": _HEADER
            | {
                "name": f"{_PREFIX} neutrino events",
                "description": "Neutrino candidates from full-sky search from 2007-2017",
            }
            | header,
            "origin": {"range": _TIME},
            "paraminfo": {
                "mjd": {
                    "name": "Time",
                    "description": "Modified Julian Date",
                    "unit": "d",
                    "ucd": "time.epoch",
                },
                "beta": {
                    "name": "Angular error",
                    "unit": "deg",
                    "ucd": "stat.error",
                    "description": "angular error estimate on reconstruction",
                },
                "nhit": {
                    "name": "Number of hits",
                    "ucd": "phys.energy",
                    "description": "number of light signals in photomultipliers",
                },
                "ra": {
                    "name": "Right ascension",
                    "unit": "deg",
                    "ucd": "pos.eq.ra;meta.main",
                    "description": "FK5 equatorial right ascension",
                    "range": [0, 360],
                },
                "decl": {
                    "name": "Declination",
                    "unit": "deg",
                    "ucd": "pos.eq.dec;meta.main",
                    "description": "FK5 equatorial declination",
                    "range": [-90, 90],
                },
                "id": {
                    "name": "Event",
                    "description": "event identifier",
                    "ucd": "meta.id;meta.main",
                },
            },
        }
    )


def acceptance(path: Path) -> tuple[Annotation, annotated.LookupContent]:
    """Read the acceptance: rows are spectral indices 1.5 to 3.0, columns bins of sin(decl)."""
    return acceptance_of(_numbers(path), path)


def acceptance_of(
    values: np.ndarray[Any, Any], path: Path | str, **header: str | None
) -> tuple[Annotation, annotated.LookupContent]:
    """Annotate an acceptance table."""
    if values.shape != (16, 20):
        raise FormatError(path, f"has {values.shape} values instead of 16 rows of 20")
    annotation = Annotation.parse(
        {
            "ktype": "km3.data.l4.lookup",
            "header": _HEADER
            | {"name": f"{_PREFIX} detector acceptance", "description": "ANTARES Acceptances"}
            | header,
            "origin": {"range": _TIME},
            "paraminfo": {
                "xaxis": _DECLINATION,
                "yaxis": {
                    "name": "Spectral index",
                    "description": "Exponential of the energy power spectrum E^{-x}",
                    "symbol": "%lambda",
                    "range": [1.5, 3.0],
                },
                "returnvalue": {
                    "name": "Detector acceptance",
                    "description": "Acceptance of the detector to a given flux",
                    "unit": "GeV^{-1} cm^{2} s",
                    "symbol": "Acceptance",
                },
            },
        }
    )
    content = annotated.LookupContent.model_validate(
        {
            "xaxis": {"transform": "sin_deg", "edges": np.linspace(-1, 1, 21).round(3).tolist()},
            "yaxis": {"points": np.arange(1.5, 3.05, 0.1).round(1).tolist()},
            "values": values.tolist(),
        }
    )
    return annotation, content


def background(path: Path) -> tuple[Annotation, annotated.PolynomialContent]:
    """Read the coefficients of the expected background."""
    return background_of(_numbers(path).ravel(), path)


def background_of(
    coefficients: np.ndarray[Any, Any], path: Path | str, **header: str | None
) -> tuple[Annotation, annotated.PolynomialContent]:
    """Annotate the background polynomial."""
    if not len(coefficients):
        raise FormatError(path, "contains no coefficients")
    annotation = Annotation.parse(
        {
            "ktype": "km3.data.l4.function.polynomial",
            "header": _HEADER
            | {
                "name": f"{_PREFIX} muon estimate function",
                "description": "Function for estimation of the muon background",
            }
            | header,
            "origin": {"range": _TIME},
            "paraminfo": {
                "xvalue": _DECLINATION,
                "returnvalue": {
                    "name": "Number of background events",
                    "description": "Estimated number of muon background events",
                    "symbol": r"N_{\mu, bkg}",
                },
            },
        }
    )
    return annotation, annotated.PolynomialContent(
        functiontype="polynomial", coefficients=coefficients.tolist()
    )


def _numbers(path: Path) -> np.ndarray[Any, Any]:
    try:
        values: np.ndarray[Any, Any] = np.loadtxt(path)
    except FileNotFoundError:
        raise FormatError(path, "does not exist") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise FormatError(path, f"is not a table of numbers: {error}") from None
    if not values.size or not np.isfinite(values).all():
        raise FormatError(path, "is empty or contains values that are not finite numbers")
    return values


def import_folder(folder: Path) -> int:
    """Publish collection ana20_01; return the number of records that changed.

    A record that exists with other content, such as demonstration data, gets a new version.
    """
    # Everything is read before anything is published.
    return publish_analysis(
        events(folder / "ANTARES.data"),
        acceptance(folder / "acc.txt"),
        background(folder / "background.txt"),
    )


def publish_analysis(
    event_list: DataSet,
    acc: tuple[Annotation, annotated.LookupContent],
    bkg: tuple[Annotation, annotated.PolynomialContent],
    *,
    mark: str = "",
) -> int:
    """Publish the analysis as ana20_01, with KM3NeT's own names for its parts.

    Parameters
    ----------
    mark : str
        Begins each title, e.g. ``SIMULATED`` for generated data.

    Returns
    -------
    int
        Number of records that are new or have a new version.
    """
    written = []
    simulated = bool(mark)
    prefix = f"{mark} {_PREFIX}".strip()

    def draft(
        title: str, text: str, ktype: str, annotation: Annotation, **more: Any
    ) -> dict[str, Any]:
        return {
            "title": f"{prefix} {title}",
            "description": text,
            "ktype": ktype,
            "metadata": annotation.plain(),
            "simulated": simulated,
        } | more

    def part(name: str, position: int) -> dict[str, Any]:
        return {"identifier": f"ana20_01_{name}", "parent": "ana20_01", "position": position}

    def publish(new: dict[str, Any], content: dict[str, Any], *paths: Path) -> None:
        written.append(renew(new, content, *paths, changes=_CHANGES))

    about = Annotation.parse({"header": _HEADER, "origin": {"range": _TIME}})
    if simulated:
        about = event_list.annotation.model_copy(update={"paraminfo": {}, "ktype": None})
    paper = Annotation.parse({"header": _HEADER})
    note = ". All measured values are replaced by generated data." if simulated else ""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write(event_list, folder / "antares_events.vot")
        annotated.write(*acc, folder / "acceptance.json")
        annotated.write(*bkg, folder / "background.json")
        publish(
            {"identifier": "ana20_01", "kind": "collection", "position": 0},
            draft(
                "neutrino point source search",
                "Cosmic neutrino event candidate selection from search for neutrino point sources"
                + note,
                "km3.collection",
                about,
            ),
        )
        publish(
            part("vo", 0),
            draft(
                "neutrino events",
                event_list.annotation.header.description or "",
                "km3.resource.service.scs",
                event_list.annotation,
                service={"table": "ant20_01.main"},
            ),
            folder / "antares_events.vot",
        )
        publish(
            part("pub", 1),
            {
                "title": f"{_PREFIX} point source analysis",
                "description": "Search for neutrino point sources with ANTARES "
                "(Albert et al., ApJL 863, L30, 2018)",
                "ktype": "km3.resource.paper",
                "doi": PAPER,
                "publisher": "American Astronomical Society",
                "issued": "2018-08",
                "metadata": paper.plain(),
            },
        )
        publish(
            part("bkg", 3),
            draft(
                "muon estimate function",
                bkg[0].header.description or "",
                "km3.data.l4.function.polynomial",
                bkg[0],
            ),
            folder / "background.json",
        )
        publish(
            part("acc", 4),
            draft(
                "detector acceptance", acc[0].header.description or "", "km3.data.l4.lookup", acc[0]
            ),
            folder / "acceptance.json",
        )
    written.append(publish_effective_area())
    return sum(version is not None for version in written)


def publish_effective_area() -> Version | None:
    """Publish the rows of the effective area that KM3NeT has presented (annotated_aeff0)."""
    from opendata.importers.effective_area import published_rows

    dataset = published_rows()
    with TemporaryDirectory() as temporary:
        path = Path(temporary) / "effective_area.ecsv"
        write(dataset, path)
        return renew(
            {
                "identifier": "ana20_01_aeff0",
                "parent": "ana20_01",
                "position": 2,
                "aliases": ["annotated_aeff0"],
            },
            {
                "title": f"{_PREFIX} effective area",
                "description": dataset.annotation.header.description or "",
                "ktype": "km3.data.l4.table.binned.aeff1d",
                "metadata": dataset.annotation.plain(),
            },
            path,
            changes=_CHANGES,
        )
