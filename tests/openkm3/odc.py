"""A small real Open Data Center: an HTTP server with a catalogue, files, TAP and cone search.

It serves the 8754 public ANTARES events and what belongs to them, in the shapes that openkm3
writes. Tests can take it offline, let a download break off, and see what was asked for.
"""

from __future__ import annotations

import hashlib
import io
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.io.votable import from_table, writeto
from astropy.table import Table

from openkm3 import annotated
from openkm3.catalogue import Catalogue, Entry, Service
from openkm3.formats import DataSet, hdf5, write
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


class OpenDataCenter:
    """The server's files, its catalogue, and what tests can do to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requests: list[tuple[str, int]] = []
        #: Bytes after which the download of a path breaks off.
        self.breaks: dict[str, int] = {}
        self.url = ""
        self.events = antares_events()
        self._write()
        self.catalogue = self._catalogue()

    def _write(self) -> None:
        storage = self.folder / "storage"
        storage.mkdir(parents=True)
        hdf5.write(orca_events(), storage / "one_week_orca.h5")
        write(effective_area(), storage / "aeff0.ecsv")
        annotated.write(*acceptance(), storage / "acc.json")
        annotated.write(*background(), storage / "bkg.json")

    def _file(self, name: str) -> dict[str, object]:
        content = (self.folder / "storage" / name).read_bytes()
        return {
            "url": f"storage/{name}",
            "filename": name,
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }

    def _catalogue(self) -> Catalogue:
        def entry(identifier: str, title: str, text: str, ktype: str, **more: object) -> Entry:
            kind = {"km3.collection": "collection", "km3.stream": "stream"}.get(ktype, "resource")
            content = {"identifier": identifier, "title": title, "description": text, "kind": kind}
            return Entry.model_validate(content | {"ktype": ktype} | more)

        prefix = "ANTARES 2007-2017"
        entries = [
            entry(
                "ana20_01",
                f"{prefix} neutrino point source search",
                "Cosmic neutrino event candidate selection from search for neutrino point sources",
                "km3.collection",
                children=[f"ana20_01_{part}" for part in ("vo", "pub", "aeff0", "bkg", "acc")],
            ),
            entry(
                "ana20_01_vo",
                f"{prefix} neutrino events",
                "Event list of neutrino candidates",
                "km3.resource.service.scs",
                metadata=self.events.annotation,
                service=Service(table="ant20_01.main", tap="tap", scs="scs"),
            ),
            entry(
                "ana20_01_pub",
                f"{prefix} point source analysis",
                "Search for neutrino point sources with the full ANTARES data",
                "km3.resource.paper",
                doi=PAPER,
            ),
            entry(
                "ana20_01_aeff0",
                f"{prefix} effective area",
                "effective area for E-2 source spectrum at zenith",
                "km3.data.l4.table.binned.aeff1d",
                aliases=["annotated_aeff0"],
                tables=["aeff"],
                metadata=effective_area().annotation,
                **self._file("aeff0.ecsv"),
            ),
            entry(
                "ana20_01_bkg",
                f"{prefix} muon estimate function",
                "Function for estimation of the muon background",
                "km3.data.l4.function.polynomial",
                metadata=background()[0],
                **self._file("bkg.json"),
            ),
            entry(
                "ana20_01_acc",
                f"{prefix} detector acceptance",
                "ANTARES Acceptances",
                "km3.data.l4.lookup",
                metadata=acceptance()[0],
                **self._file("acc.json"),
            ),
            entry(
                "evts20_01",
                "One week of ORCA 4-line data",
                "Events from one week of data taking with ORCA",
                "km3.collection",
                children=["evts20_01_file1"],
            ),
            entry(
                "evts20_01_file1",
                "ORCA4 events file",
                "Events from data taking with 4 strings of ORCA",
                "km3.data.l3.events.hdf5",
                aliases=["one_week_orca"],
                tables=["events", "group_info", "header"],
                media_type="application/x-hdf5",
                metadata=orca_events().annotation,
                **self._file("one_week_orca.h5"),
            ),
            entry(
                "acoustic20_01",
                "Acoustic data",
                "Acoustic data samples from ORCA hydrophone",
                "km3.collection",
                children=["acoustic20_01_psd"],
            ),
            entry(
                "acoustic20_01_psd",
                "Acoustic data stream psd information",
                "Statistical quantities of acoustic data from ORCA DOM",
                "km3.stream",
                children=["acoustic20_01_psd_DOM_808974724_CH1_1601366233"],
            ),
            entry(
                "acoustic20_01_psd_DOM_808974724_CH1_1601366233",
                "Element of Acoustic data stream psd information",
                "Statistical quantities of acoustic data from ORCA DOM",
                "km3.env.acoustic.psd",
            ),
        ]
        return Catalogue(entries=entries)

    def content(self, path: str, query: dict[str, list[str]]) -> bytes | None:
        """Return what a path answers, None where there is nothing."""
        services: dict[str, Callable[[dict[str, list[str]]], bytes]] = {
            "/catalog.json": lambda _: self.catalogue.dump(),
            "/tap/sync": self._tap,
            "/scs": self._scs,
        }
        if path in services:
            return services[path](query)
        file = self.folder / path.lstrip("/")
        return file.read_bytes() if path.startswith("/storage/") and file.is_file() else None

    @cached_property
    def database(self) -> Path:
        """The events in SQLite; made when the first query comes."""
        path = self.folder / "ant20_01.sqlite"
        with sqlite3.connect(path) as connection:
            self.events.tables["events"].to_pandas().to_sql("main", connection, index=False)
        return path

    def _tap(self, query: dict[str, list[str]]) -> bytes:
        """Answer ADQL that is SQL as well."""
        connection = sqlite3.connect(":memory:")
        connection.execute("ATTACH ? AS ant20_01", (f"file:{self.database}?mode=ro",))
        cursor = connection.execute(query["QUERY"][0])
        names = [column[0] for column in cursor.description]
        rows = cursor.fetchall()
        connection.close()
        types = {"nhit": "i4", "id": "U7"}
        dtype = [types.get(name, "f8") for name in names]
        return _votable(Table(rows=rows or None, names=names, dtype=dtype))

    def _scs(self, query: dict[str, list[str]]) -> bytes:
        ra, dec, radius = (float(query[key][0]) for key in ("RA", "DEC", "SR"))
        events = self.events.tables["events"]
        distance = SkyCoord(events["ra"], events["decl"]).separation(
            SkyCoord(ra * u.deg, dec * u.deg)
        )
        found = events[distance.deg <= radius]
        table = Table(
            {
                "_r": distance.deg[distance.deg <= radius] * u.deg,
                "MJD": found["mjd"].value,
                "Beta": found["beta"].value,
                "Nhit": found["nhit"].value,
                "RA": found["ra"].value,
                "Decl": found["decl"].value,
                "ID": found["id"].value,
            }
        )
        table.sort("_r")
        return _votable(table, "Neutrino candidates from full-sky search from 2007-2017")


def _votable(table: Table, description: str | None = None) -> bytes:
    from astropy.io.votable.tree import Info

    document = from_table(table)
    resource = document.resources[0]
    resource.type = "results"
    document.description = description
    resource.infos.append(Info(name="QUERY_STATUS", value="OK"))
    ucds = {
        "_r": "pos.distance",
        "MJD": "time.epoch",
        "Beta": "stat.error",
        "Nhit": "phys.energy",
        "RA": "POS_EQ_RA_MAIN",
        "Decl": "POS_EQ_DEC_MAIN",
        "ID": "ID_MAIN",
    }
    for field in resource.tables[0].fields:
        field.ucd = ucds.get(field.name)
    buffer = io.BytesIO()
    writeto(document, buffer)
    return buffer.getvalue()


@contextmanager
def serve(center: OpenDataCenter) -> Iterator[OpenDataCenter]:
    """Run the server on a free port of this computer."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            self._answer(parse_qs(self.rfile.read(length).decode()))

        def _answer(self, form: dict[str, list[str]]) -> None:
            parts = urlsplit(self.path)
            content = center.content(parts.path, parse_qs(parts.query) | form)
            if content is None:
                self._send(HTTPStatus.NOT_FOUND, b"nothing here")
                return
            etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
            if self.headers.get("If-None-Match") == etag:
                self._send(HTTPStatus.NOT_MODIFIED, b"", etag)
                return
            self._send(HTTPStatus.OK, content, etag)

        def _send(self, status: HTTPStatus, content: bytes, etag: str | None = None) -> None:
            path = urlsplit(self.path).path
            center.requests.append((path, int(status)))
            self.send_response(status)
            if etag:
                self.send_header("ETag", etag)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if path in center.breaks:
                self.wfile.write(content[: center.breaks[path]])
                self.close_connection = True
            else:
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Requests are kept in the center's list, not printed."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Clients that refuse a file hang up; that is no error of the server."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    center.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield center
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
