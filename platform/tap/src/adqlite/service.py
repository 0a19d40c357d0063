"""TAP without HTTP: parameters in, documents out."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from adqlite.disk import MESSAGE, spare
from adqlite.errors import StorageFull, UploadError, VOError
from adqlite.formats import Format, find_format, write_result
from adqlite.jobs.job import Job
from adqlite.jobs.store import JobStore
from adqlite.limits import Limits
from adqlite.queries.engine import Engine, UploadedTable
from adqlite.queries.gate import Gate
from adqlite.spool import Spool, SpooledFile, as_file
from adqlite.tables.metadata import Column
from adqlite.tables.storage import TableStore
from adqlite.uploads.reading import read_upload
from adqlite.uploads.remote import fetch

LANGUAGES = ("ADQL", "ADQL-2.0", "ADQL-2.1")
_WAIT = 10.0  # seconds that a query waits for a free place


class TapService:
    """Synchronous and asynchronous queries on the tables in a folder.

    Parameters
    ----------
    folder : pathlib.Path
        Contains the tables, and the jobs in `jobs/`.
    limits : Limits, optional
    """

    def __init__(self, folder: str | Path, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        folder = Path(folder)
        self.store = TableStore(folder)
        self.engine = Engine(self.store, self.limits)
        self.gate = Gate(self.limits.parallel_queries)
        self.spool = Spool(self.limits.spool_bytes, self.limits.client_spool_bytes, folder / "jobs")
        self.jobs = JobStore(folder / "jobs", self.limits, self._run_job)
        with suppress(OSError, sqlite3.Error):  # for example, a folder that cannot be written to
            self.store.delete_abandoned()

    def sync(
        self, parameters: Mapping[str, str], uploads: Mapping[str, IO[bytes]], client: str = ""
    ) -> tuple[Format, SpooledFile]:
        """Runs a query and returns its result.

        Parameters
        ----------
        parameters : mapping of str to str
            Parameters of TAP, with names in upper case.
        uploads : mapping of str to file
            Files sent with the request, by the name of their part.
        client : str
            Who asks (:func:`adqlite.clients.client_of`).

        Returns
        -------
        tuple of Format and SpooledFile
            The format, and the complete document; its space is free once it is closed.

        Raises
        ------
        VOError
        """
        request = check(parameters)
        with self.gate(_WAIT, client):
            out = self.spool.file(client)
            try:
                tables = self._tables(parameters, uploads, client)
                self._answer(request, tables, as_file(out), seconds=self.limits.sync_seconds)
            except BaseException:
                out.close()
                raise
        out.seek(0)
        return request.format, out

    def create_job(
        self, parameters: Mapping[str, str], uploads: Mapping[str, IO[bytes]], client: str = ""
    ) -> Job:
        """Creates a pending job; its uploads are read and stored.

        Raises
        ------
        VOError
        """
        kept = {name: value for name, value in parameters.items() if name not in {"PHASE", "RUNID"}}
        job = self.jobs.create(kept, parameters.get("RUNID"), client=client)
        try:
            if parameters.get("UPLOAD"):
                with self.gate(_WAIT, client):
                    for table in self._tables(parameters, uploads, client):
                        self.jobs.keep(job.id, f"{table.name.lower()}.upload", _serialized(table))
        except BaseException:
            self.jobs.delete(job.id)
            raise
        return job

    def note(self) -> str:
        """Returns what does not work at present, in a sentence; usually empty."""
        try:
            self.jobs.phases()
            full = spare(self.jobs.folder, self.limits.free_bytes) <= 0
        except StorageFull:
            full = True
        return MESSAGE if full else ""

    def close(self) -> None:
        """Stops; running jobs are queued again for the next start."""
        self.jobs.close()

    def _run_job(self, job: Job, folder: Path, out: IO[bytes], stopped: Callable[[], bool]) -> str:
        request = check(job.parameters)
        tables = [_restored(path) for path in sorted(folder.glob("*.upload"))]
        self._answer(request, tables, out, seconds=job.duration, stopped=stopped)
        return request.format.mime

    def _answer(
        self,
        request: Request,
        tables: list[UploadedTable],
        out: IO[bytes],
        *,
        seconds: float,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        query = request.query
        with self.engine.run(
            query, seconds=seconds, maxrec=request.maxrec, uploads=tables, stopped=stopped
        ) as result:
            result.parameters = {"QUERY": query}
            write_result(request.format, result, out, self.limits)

    def _tables(
        self, parameters: Mapping[str, str], uploads: Mapping[str, IO[bytes]], client: str
    ) -> list[UploadedTable]:
        wanted = upload_parts(parameters.get("UPLOAD", ""))
        if len(wanted) > self.limits.upload_tables:
            raise UploadError(
                f"{len(wanted)} uploads; at most {self.limits.upload_tables} are allowed"
            )
        tables: list[UploadedTable] = []
        for name, source in wanted.items():
            if source.startswith("param:"):
                stream = uploads.get(source.removeprefix("param:"))
                if stream is None:
                    raise UploadError(
                        f"upload {name}: the request has no part named "
                        f"{source.removeprefix('param:')[:40]!r}"
                    )
                tables.append(read_upload(name, stream, self.limits))
            else:
                with fetch(source, self.limits, as_file(self.spool.file(client))) as stream:
                    tables.append(read_upload(name, stream, self.limits))
            if sum(len(table.rows) * len(table.columns) for table in tables) > (
                self.limits.upload_cells
            ):
                raise UploadError(
                    f"the uploaded tables have more than {self.limits.upload_cells} cells together"
                )
        return tables


@dataclass(frozen=True)
class Request:
    """The parameters of a query."""

    query: str
    format: Format
    maxrec: int | None


def check(parameters: Mapping[str, str]) -> Request:
    """Returns the checked parameters of a request.

    Raises
    ------
    VOError
        A parameter is missing or wrong.
    """
    request = parameters.get("REQUEST", "doQuery")
    if request.lower() != "doquery":
        raise VOError(f"REQUEST={request[:40]!r} is not known; use doQuery")
    language = parameters.get("LANG", "")
    if not language:
        raise VOError("the parameter LANG is missing; send LANG=ADQL")
    if language.upper() not in LANGUAGES:
        raise VOError(f"LANG={language[:40]!r} is not known; use one of {', '.join(LANGUAGES)}")
    if not parameters.get("QUERY", "").strip():
        raise VOError(
            "the parameter QUERY is missing; send a query, for example "
            "QUERY=SELECT * FROM tap_schema.tables"
        )
    text = parameters.get("MAXREC", "").strip()
    if text and not re.fullmatch(r"\d{1,18}", text):
        raise VOError(f"MAXREC={text[:40]!r} is not a number of rows")
    chosen = find_format(parameters.get("RESPONSEFORMAT") or parameters.get("FORMAT"))
    return Request(parameters["QUERY"], chosen, int(text) if text else None)


def upload_parts(text: str) -> dict[str, str]:
    """Returns the sources of uploads by name, from `name,source` pairs separated by `;`.

    Raises
    ------
    UploadError
    """
    parts: dict[str, str] = {}
    for pair in filter(None, (p.strip() for p in text.split(";"))):
        name, comma, source = (part.strip() for part in pair.partition(","))
        if not comma or not name or not source:
            raise UploadError(
                f"UPLOAD={pair[:80]!r} is not name,source; for example UPLOAD=mine,param:file1"
            )
        name = re.sub(r"(?i)^tap_upload\.", "", name)
        if name.lower() in {known.lower() for known in parts}:
            raise UploadError(f"two uploads are called {name[:40]}")
        parts[name] = source
    return parts


def _serialized(table: UploadedTable) -> bytes:
    return json.dumps(
        {"name": table.name, "columns": [c.model_dump() for c in table.columns], "rows": table.rows}
    ).encode()


def _restored(path: Path) -> UploadedTable:
    data = json.loads(path.read_bytes())
    return UploadedTable(
        name=data["name"], columns=[Column(**c) for c in data["columns"]], rows=data["rows"]
    )
