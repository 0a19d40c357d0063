"""What the small Open Data Center of the tests serves: public data in openkm3's shapes."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from astropy.table import Table

from openkm3 import annotated
from openkm3.formats import DataSet
from openkm3.metadata import Annotation

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"
ANTARES = SHARED / "antares"

PAPER = "10.3847/2041-8213/aad8c0"
DECLINATION = {
    "name": "Declination",
    "description": "Source declination",
    "unit": "deg",
    "symbol": "%delta",
    "range": (-90, 90),
}
#: The header of the published file, with its stop before its start.
ORCA_HEADER = {
    "author": "The KM3Net collaboration",
    "contact": "opendata@km3net.de",
    "instrument": "ORCA",
    "license": "Creative Commons 4.0 International",
    "measurement_start": "2019-10-03T06:00:00.544000000",
    "measurement_stop": "2019-09-17T06:00:00.202000000",
    "reference": "http://www.km3net.org/",
}


@cache
def antares_events() -> DataSet:
    """Return the public events, numbered by time as in the VO service."""
    raw = np.loadtxt(ANTARES / "ANTARES.data")
    raw = raw[np.argsort(raw[:, 4], kind="stable")]
    table = Table(
        {
            "mjd": raw[:, 4],
            "beta": raw[:, 3],
            "nhit": raw[:, 2].astype("i4"),
            "ra": raw[:, 0],
            "decl": raw[:, 1],
            "id": [f"ANT{number:04d}" for number in range(1, len(raw) + 1)],
        },
        units={"mjd": "d", "beta": "deg", "ra": "deg", "decl": "deg"},
    )
    annotation = Annotation.parse(
        {
            "ktype": "km3.data.l3.events",
            "kid": "0d7b9a4c-5d0c-4a8e-9a53-3f7f6b1c2d3e",
            "header": {
                "name": "ANTARES 2007-2017 neutrino events",
                "description": "Neutrino candidates from full-sky search from 2007-2017",
                "contact": "opendata@km3net.de",
                "instrument": "ANTARES",
                "license": "CC-BY-4.0",
                "reference": PAPER,
                "version": "1.0",
                "created": "2020-10-01",
            },
            "origin": {
                "range": {
                    "time": {
                        "measurement_start": "2007-02-07T00:00:00",
                        "measurement_stop": "2017-12-31T23:59:59",
                    }
                }
            },
            "paraminfo": {
                "mjd": {"description": "Modified Julian Day", "unit": "d", "ucd": "time.epoch"},
                "beta": {
                    "description": "angular error estimate on reconstruction",
                    "unit": "deg",
                    "ucd": "stat.error",
                },
                "nhit": {
                    "description": "number of light signals in photomultipliers",
                    "ucd": "phys.energy",
                },
                "ra": {
                    "description": "FK5 equatorial right ascension",
                    "unit": "deg",
                    "ucd": "pos.eq.ra;meta.main",
                    "range": [0, 360],
                },
                "decl": {
                    "description": "FK5 equatorial declination",
                    "unit": "deg",
                    "ucd": "pos.eq.dec;meta.main",
                    "range": [-90, 90],
                },
                "id": {"description": "Event identifier", "ucd": "meta.id;meta.main"},
            },
        }
    )
    return DataSet({"events": table}, annotation)


def orca_events() -> DataSet:
    """Return the first events of the published ORCA week, with its header as it was."""
    rows = [
        (0.004341, 5.108108, -0.968124, 22.017775, "km3net.44.6151.000001", 58749.531438),
        (0.001181, 3.358250, -0.990520, 128.639694, "km3net.44.6151.000002", 58749.531439),
        (0.003534, 6.146142, -0.744035, 24.362326, "km3net.44.6151.000003", 58749.531461),
        (0.008247, 2.954967, -0.784588, 15.714084, "km3net.44.6151.000004", 58749.531461),
        (0.006967, 5.618736, -0.529338, 137.616933, "km3net.44.6151.000005", 58749.531441),
    ]
    names = ("angular_error", "azimuth", "dirz", "energy", "internalID", "mjd")
    units = {"angular_error": "rad", "azimuth": "rad", "energy": "GeV", "mjd": "d"}
    events = Table(rows=rows, names=names, units=units)
    events["group_id"] = np.arange(len(rows))
    annotation = Annotation.parse(
        {
            "header": ORCA_HEADER,
            "paraminfo": {"energy": '{"description": "Energy", "path": "(event).tracks.E"}'},
            "conditions": {"selection": {"triggermask": {"constraint": "x == 22"}}},
        }
    )
    group = Table({"group_id": np.arange(len(rows)), "event_number": np.arange(1, len(rows) + 1)})
    return DataSet({"events": events, "group_info": group}, annotation)


def effective_area() -> DataSet:
    """Return the effective area of the slides."""
    table = Table(
        {
            "Log(E1/GeV)": [1.0, 1.2, 1.4, 1.6, 1.8, 2.0],
            "Log(E2/GeV)": [1.2, 1.4, 1.6, 1.8, 2.0, 2.2],
            "AEFF/m2": [
                5.153940e-12,
                1.614220e-10,
                4.891220e-09,
                1.245090e-07,
                9.157530e-07,
                4.372520e-06,
            ],
        }
    )
    edge = {"name": "Energy", "description": "log10 of the energy in GeV", "symbol": "log_{10} E"}
    annotation = Annotation.parse(
        {
            "ktype": "km3.data.l4.table.binned.aeff1d",
            "header": {"name": "ANTARES effective area", "instrument": "ANTARES"},
            "origin": {"range": {"zenith": {"min": 0, "max": 0, "unit": "deg", "ktype": "tbd"}}},
            "paraminfo": {
                "lower_edge": edge | {"columnname": "Log(E1/GeV)"},
                "upper_edge": edge | {"columnname": "Log(E2/GeV)"},
                "value": {
                    "columnname": "AEFF/m2",
                    "name": "Effective area",
                    "description": "for an E-2 spectrum",
                    "unit": "m2",
                },
            },
        }
    )
    return DataSet({"aeff": table}, annotation)


def acceptance() -> tuple[Annotation, annotated.LookupContent]:
    """Return the table of acceptances: 16 spectral indices, 20 bins of sin(declination)."""
    values = np.loadtxt(ANTARES / "acc.txt")
    annotation = Annotation.parse(
        {
            "ktype": "km3.data.l4.lookup",
            "paraminfo": {
                "xaxis": DECLINATION,
                "yaxis": {
                    "name": "Spectral index",
                    "description": "Exponential of the energy power spectrum E^{-x}",
                    "symbol": "%lambda",
                    "range": (1.5, 3.0),
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
            "xaxis": {"transform": "sin_deg", "edges": list(np.round(np.linspace(-1, 1, 21), 3))},
            "yaxis": {"points": list(np.round(np.arange(1.5, 3.05, 0.1), 1))},
            "values": values.tolist(),
        }
    )
    return annotation, content


def background() -> tuple[Annotation, annotated.PolynomialContent]:
    """Return the polynomial of the expected background."""
    coefficients = [float(word) for word in (ANTARES / "background.txt").read_text().split()]
    annotation = Annotation.parse(
        {
            "ktype": "km3.data.l4.function.polynomial",
            "paraminfo": {
                "xvalue": DECLINATION,
                "returnvalue": {
                    "name": "Number of background events",
                    "description": "Estimated number of muon background events",
                    "symbol": r"N_{\mu, bkg}",
                },
            },
        }
    )
    content = annotated.PolynomialContent(functiontype="polynomial", coefficients=coefficients)
    return annotation, content
