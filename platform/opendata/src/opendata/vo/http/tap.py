"""TAP 1.1: synchronous queries and the pages around them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from adqlite.errors import NotFound
from opendata.exports.addresses import root
from opendata.vo.http import documents
from opendata.vo.http.requests import (
    address,
    document,
    parameters,
    see_other,
    uploads,
    vo_view,
    xml,
)
from opendata.vo.http.running import service


@vo_view("GET", "POST")
def sync(request: HttpRequest) -> HttpResponseBase:
    """Answer a query at once."""
    given = parameters(request)
    if given.get("REQUEST", "").lower() == "getcapabilities":
        return see_other(address(request, "tap-capabilities"))
    chosen, file = service().sync(given, uploads(request))
    response = document(request, file, chosen.mime)
    response["Content-Disposition"] = f'inline; filename="result.{chosen.extension}"'
    return response


@vo_view("GET")
def landing(request: HttpRequest) -> HttpResponse:
    """Show a person what is here."""
    schemas = service().store.schemas()
    return HttpResponse(documents.landing(schemas, root(request), address(request, "tap")))


@vo_view("GET")
def capabilities(request: HttpRequest) -> HttpResponse:
    """Describe the service (VOSI, TAPRegExt)."""
    return xml(documents.tap_capabilities(address(request, "tap"), service().limits))


@vo_view("GET")
def availability(request: HttpRequest) -> HttpResponse:
    """Say that the service works (VOSI)."""
    return xml(documents.availability())


@vo_view("GET")
def tables(request: HttpRequest, table: str | None = None) -> HttpResponse:
    """Describe all tables, or one (VOSI 1.1)."""
    schemas = service().store.schemas()
    if table is None:
        return xml(documents.tableset(schemas, detail=request.GET.get("detail", "max") != "min"))
    for schema in schemas:
        for known in schema.tables:
            if f"{schema.name}.{known.name}".lower() == table.lower():
                return xml(documents.one_table(schema, known))
    raise NotFound(f"there is no table {table[:80]}")


@vo_view("GET")
def examples(request: HttpRequest) -> HttpResponse:
    """Show example queries (DALI)."""
    return HttpResponse(
        documents.examples(service().store.schemas()),
        content_type="application/xhtml+xml; charset=utf-8",
    )
