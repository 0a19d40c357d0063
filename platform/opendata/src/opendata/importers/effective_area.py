"""The public rows of the ANTARES effective area, from KM3NeT's slides about openkm3."""

from __future__ import annotations

from openkm3.formats import DataSet
from openkm3.metadata import Annotation

_ROWS = [
    (1.0, 1.2, 5.153940e-12),
    (1.2, 1.4, 1.614220e-10),
    (1.4, 1.6, 4.891220e-09),
    (1.6, 1.8, 1.245090e-07),
    (1.8, 2.0, 9.157530e-07),
    (2.0, 2.2, 4.372520e-06),
]


def published_rows() -> DataSet:
    """Returns the table with its metadata."""
    from astropy.table import Table

    names = ("Log(E1/GeV)", "Log(E2/GeV)", "AEFF/m2")
    edge = {
        "name": "log10(energy/GeV)",
        "description": "log10 of the energy in GeV",
        "symbol": "log_{10} E",
    }
    annotation = Annotation.parse(
        {
            "ktype": "km3.data.l4.table.binned.aeff1d",
            "header": {
                "name": "ANTARES 2007-2017 effective area",
                "description": "effective area for E-2 source spectrum at zenith "
                "(the six lowest energies, as shown in KM3NeT's presentations of openkm3)",
                "author": "ANTARES Collaboration",
                "contact": "opendata@km3net.de",
                "instrument": "ANTARES",
                "license": "CC-BY-4.0",
                "reference": "https://doi.org/10.3847/2041-8213/aad8c0",
                "version": "1.0",
                "created": "2020-10-01",
            },
            "origin": {
                "range": {
                    "time": {
                        "measurement_start": "2007-02-07T00:00:00",
                        "measurement_stop": "2018-01-01T00:00:00",
                        "ktype": "km3.range.time",
                    },
                    "zenith": {"min": 0, "max": 90, "unit": "deg", "ktype": "km3.range.angle"},
                }
            },
            "paraminfo": {
                "lower_edge": edge | {"columnname": names[0]},
                "upper_edge": edge | {"columnname": names[1]},
                "value": {
                    "columnname": names[2],
                    "name": "Effective area",
                    "description": "for an E-2 spectrum",
                    "unit": "m2",
                    "symbol": "A_{eff}",
                },
            },
        }
    )
    return DataSet({"aeff": Table(rows=_ROWS, names=names)}, annotation)
