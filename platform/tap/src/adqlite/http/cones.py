"""Simple Cone Search 1.03."""

from __future__ import annotations

from adqlite.cone import cone_search, cone_table
from adqlite.errors import VOError
from adqlite.formats import find_format, write_result
from adqlite.formats.votable import cone_error_document
from adqlite.http import vosi
from adqlite.http.messages import VOTABLE, XML, Request, Response
from adqlite.service import TapService
from adqlite.spool import as_file

_WAIT = 10.0  # seconds that a search waits for its turn


def error(problem: VOError) -> Response:
    """Returns the error document of cone search."""
    # Clients read the message in the document only if the status is 200.
    status = 200 if problem.status == 400 else problem.status
    return Response(cone_error_document(str(problem)), VOTABLE, status=status)


def search(service: TapService, request: Request, schema: str, table: str) -> Response:
    """Returns the rows in a cone, nearest first."""
    given = request.parameters
    chosen = find_format(given.get("RESPONSEFORMAT") or "votable/td")
    out = service.spool.file(request.client)
    try:
        with (
            service.gate(_WAIT, request.client),
            cone_search(service.engine, schema, table, given) as result,
        ):
            write_result(chosen, result, as_file(out), service.limits)
    except BaseException:
        out.close()
        raise
    return Response(as_file(out), VOTABLE if chosen.extension == "vot" else chosen.mime)


def capabilities(service: TapService, request: Request, schema: str, table: str) -> Response:
    """Describes the cone search of a table (VOSI, SimpleDALRegExt)."""
    cone_table(service.engine, schema, table)
    here = request.address("scs", schema, table)
    return Response(vosi.cone_capabilities(here, service.limits), XML)
