"""The addresses of the services, and what answers there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from adqlite.disk import as_storage_full
from adqlite.errors import MethodNotAllowed, VOError
from adqlite.formats.votable import error_document
from adqlite.http import cones, jobs, queries
from adqlite.http.messages import TEXT, VOTABLE, Request, Response
from adqlite.service import TapService


def tap_error(problem: VOError) -> Response:
    """Returns the error document of TAP."""
    headers = {"Retry-After": "30"} if problem.status in {503, 507} else {}
    return Response(error_document(str(problem)), VOTABLE, problem.status, headers)


@dataclass(frozen=True)
class Route:
    """One address.

    Attributes
    ----------
    name : str
    path : str
        Below the services' base; `{x}` stands for one segment, which the handler receives as `x`.
    handler : callable
        Gets the service, the request and the segments.
    methods : tuple of str
        GET includes HEAD; OPTIONS is always answered.
    error : callable
        Makes the response to a request that fails.
    """

    name: str
    path: str
    handler: Callable[..., Response]
    methods: tuple[str, ...] = ("GET",)
    error: Callable[[VOError], Response] = tap_error

    @property
    def allowed(self) -> set[str]:
        """The methods that are answered."""
        return {*self.methods, "OPTIONS", *({"HEAD"} if "GET" in self.methods else set())}


_BOTH = ("GET", "POST")
_JOB = "tap/async/{job_id}"
_CONE = "scs/{schema}/{table}"
ROUTES = (
    Route("tap", "tap", queries.landing),
    Route("tap-page", "tap/", queries.landing),
    Route("tap-sync", "tap/sync", queries.sync, _BOTH),
    Route("tap-capabilities", "tap/capabilities", queries.capabilities),
    Route("tap-availability", "tap/availability", queries.availability),
    Route("tap-tables", "tap/tables", queries.tables),
    Route("tap-table", "tap/tables/{table}", queries.one_table),
    Route("tap-examples", "tap/examples", queries.examples),
    Route("async", "tap/async", jobs.collection, _BOTH),
    Route("job", _JOB, jobs.job, ("GET", "POST", "DELETE")),
    Route("job-phase", f"{_JOB}/phase", jobs.phase, _BOTH),
    Route("job-duration", f"{_JOB}/executionduration", jobs.duration, _BOTH),
    Route("job-destruction", f"{_JOB}/destruction", jobs.destruction, _BOTH),
    Route("job-quote", f"{_JOB}/quote", jobs.quote),
    Route("job-owner", f"{_JOB}/owner", jobs.owner),
    Route("job-parameters", f"{_JOB}/parameters", jobs.parameters, _BOTH),
    Route("job-error", f"{_JOB}/error", jobs.error),
    Route("job-results", f"{_JOB}/results", jobs.results),
    Route("job-result", f"{_JOB}/results/result", jobs.result),
    Route("cone", _CONE, cones.search, _BOTH, cones.error),
    Route("cone-capabilities", f"{_CONE}/capabilities", cones.capabilities, error=cones.error),
)


def answer(
    route: Route, service: TapService, request: Request, segments: Mapping[str, str]
) -> Response:
    """Returns the response to a request, whatever is wrong with it.

    Parameters
    ----------
    route : Route
        Whose path the request matched.
    service : TapService
    request : Request
    segments : mapping of str to str
        The segments of the path that the route names.
    """
    methods = ", ".join(sorted(route.allowed))
    if request.method not in route.allowed:
        response = tap_error(MethodNotAllowed(f"{request.method} is not possible here"))
        response.headers["Allow"] = methods
    elif request.method == "OPTIONS":
        response = Response(b"", TEXT, 204, {"Access-Control-Allow-Methods": methods})
    else:
        try:
            with as_storage_full(service.store.folder):
                response = route.handler(service, request, **segments)
        except VOError as problem:
            response = route.error(problem)
    # The data are public and cookies are ignored, so programs in any web page may read them.
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
