"""A small real Open Data Center: an HTTP server with a catalogue, files, TAP and cone search.

It serves the 8754 public ANTARES events and related files, in the formats that openkm3 writes.
Tests can stop it, interrupt a download, and see the requests.
"""

from __future__ import annotations

import hashlib
import io
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import astropy.units as u
from astropy.coordinates import SkyCoord
from astropy.io.votable import from_table, writeto
from astropy.table import Table

from openkm3 import annotated
from openkm3.catalogue import Catalogue, Entry, Service
from openkm3.formats import hdf5, write
from tests.openkm3.published import (
    PAPER,
    acceptance,
    antares_events,
    background,
    effective_area,
    orca_events,
)


class OpenDataCenter:
    """The files and catalogue of the server, and switches for tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requests: list[tuple[str, int]] = []
        #: Bytes after which the download of a path is interrupted.
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
        """The events in SQLite; created at the first query."""
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
            """Clients that refuse a file disconnect, which is not an error of the server."""

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
