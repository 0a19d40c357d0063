"""TAP 1.1: synchronous queries, and the documents that describe the service."""

from __future__ import annotations

from adqlite.errors import NotFound
from adqlite.http import pages, vosi
from adqlite.http.messages import HTML, XHTML, XML, Request, Response, see_other
from adqlite.service import TapService
from adqlite.spool import as_file


def sync(service: TapService, request: Request) -> Response:
    """Runs a query and returns its result."""
    given = request.parameters
    if given.get("REQUEST", "").lower() == "getcapabilities":
        return see_other(request.address("tap", "capabilities"))
    chosen, file = service.sync(given, request.form.files, request.client)
    name = f'inline; filename="result.{chosen.extension}"'
    return Response(as_file(file), chosen.mime, headers={"Content-Disposition": name})


def landing(service: TapService, request: Request) -> Response:
    """Returns the page for people."""
    page = pages.landing(service.store.schemas(), request.home, request.address("tap"))
    return Response(page, HTML)


def capabilities(service: TapService, request: Request) -> Response:
    """Describes the service (VOSI, TAPRegExt)."""
    return Response(vosi.tap_capabilities(request.address("tap"), service.limits), XML)


def availability(service: TapService, request: Request) -> Response:
    """Reports that the service is up (VOSI)."""
    return Response(vosi.availability(service.note()), XML)


def tables(service: TapService, request: Request) -> Response:
    """Describes all tables (VOSI 1.1)."""
    wanted = dict(request.query).get("detail", "max")
    return Response(vosi.tableset(service.store.schemas(), detail=wanted != "min"), XML)


def one_table(service: TapService, request: Request, table: str) -> Response:
    """Describes one table (VOSI 1.1)."""
    for schema in service.store.schemas():
        for known in schema.tables:
            if f"{schema.name}.{known.name}".lower() == table.lower():
                return Response(vosi.one_table(schema, known), XML)
    raise NotFound(f"there is no table {table[:80]}")


def examples(service: TapService, request: Request) -> Response:
    """Shows example queries (DALI)."""
    return Response(pages.examples(service.store.schemas()), XHTML)
