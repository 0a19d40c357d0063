"""Simple Cone Search 1.03."""

from __future__ import annotations

import tempfile
from typing import IO

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from adqlite.cone import cone_search, cone_table
from adqlite.errors import VOError
from adqlite.formats import find_format, write_result
from adqlite.formats.votable import cone_error_document
from opendata.vo.http import documents
from opendata.vo.http.requests import VOTABLE, address, document, parameters, vo_view, xml
from opendata.vo.http.running import service


def _error(error: VOError) -> HttpResponse:
    # Clients of cone search read the message in the document only where the status is 200.
    status = 200 if error.status == 400 else error.status
    return HttpResponse(cone_error_document(str(error)), content_type=VOTABLE, status=status)


@vo_view("GET", "POST", error=_error)
def search(request: HttpRequest, schema: str, table: str) -> HttpResponseBase:
    """Give the rows in a cone, the nearest first."""
    given = parameters(request)
    chosen = find_format(given.get("RESPONSEFORMAT") or "votable/td")
    running = service()
    out: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=4_000_000)  # noqa: SIM115
    try:
        with running.gate(10), cone_search(running.engine, schema, table, given) as result:
            write_result(chosen, result, out, running.limits)
    except BaseException:
        out.close()
        raise
    mime = VOTABLE if chosen.extension == "vot" else chosen.mime
    return document(request, out, mime)


@vo_view("GET", error=_error)
def capabilities(request: HttpRequest, schema: str, table: str) -> HttpResponse:
    """Describe the cone search of a table (VOSI, SimpleDALRegExt)."""
    running = service()
    cone_table(running.engine, schema, table)
    here = address(request, "cone", schema=schema, table=table)
    return xml(documents.cone_capabilities(here, running.limits))
