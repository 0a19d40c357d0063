"""UWS 1.1: asynchronous queries."""

from __future__ import annotations

from datetime import UTC, datetime

from adqlite.errors import NotFound, VOError
from adqlite.formats.votable import error_document
from adqlite.http import uws
from adqlite.http.messages import VOTABLE, XML, Request, Response, see_other, text
from adqlite.jobs.job import ABORTED, COMPLETED, ERROR, Job
from adqlite.service import TapService

_LONGEST_WAIT = 60  # seconds


def _job_page(request: Request, job_id: str) -> Response:
    return see_other(request.address("tap", "async", job_id))


def _change_phase(service: TapService, job_id: str, phase: str) -> None:
    if phase == "RUN":
        service.jobs.start(job_id)
    elif phase == "ABORT":
        service.jobs.abort(job_id)
    else:
        raise VOError(f"PHASE={phase[:40]!r} is not known; use RUN or ABORT")


def collection(service: TapService, request: Request) -> Response:
    """Creates a job, or lists none: a job belongs to whoever knows its identifier."""
    if request.method != "POST":
        return Response(uws.job_list(), XML)
    given = request.parameters
    phase = given.get("PHASE", "").upper()
    if phase not in {"", "RUN"}:
        raise VOError(f"a new job cannot have PHASE={phase[:40]!r}; RUN starts it at once")
    created = service.create_job(given, request.form.files, request.client)
    if phase:
        _change_phase(service, created.id, phase)
    return _job_page(request, created.id)


def job(service: TapService, request: Request, job_id: str) -> Response:
    """Describes, waits for or deletes a job."""
    given = request.parameters
    if request.method == "DELETE" or given.get("ACTION", "").upper() == "DELETE":
        if request.method in {"GET", "HEAD"}:
            raise VOError("to delete a job, send POST or DELETE")
        service.jobs.get(job_id)
        service.jobs.delete(job_id)
        return see_other(request.address("tap", "async"))
    if request.method == "POST":
        raise VOError("a job accepts ACTION=DELETE only; post to its parameters or its phase")
    found = service.jobs.get(job_id)
    if "WAIT" in given:
        seconds = _whole(given["WAIT"], "WAIT")
        if seconds < 0 or seconds > _LONGEST_WAIT:
            seconds = _LONGEST_WAIT
        found = service.jobs.wait(job_id, seconds, given.get("PHASE"))
    return Response(uws.job(found, request.address("tap", "async", job_id)), XML)


def phase(service: TapService, request: Request, job_id: str) -> Response:
    """Returns the phase, starts the job or stops it."""
    found = service.jobs.get(job_id)
    if request.method == "POST":
        _change_phase(service, job_id, request.parameters.get("PHASE", "").upper())
        return _job_page(request, job_id)
    return text(found.phase)


def duration(service: TapService, request: Request, job_id: str) -> Response:
    """Returns or changes how many seconds a job may run."""
    found = service.jobs.get(job_id)
    if request.method == "POST":
        name = "EXECUTIONDURATION"
        service.jobs.set_duration(job_id, _whole(request.parameters.get(name, ""), name))
        return _job_page(request, job_id)
    return text(str(found.duration))


def destruction(service: TapService, request: Request, job_id: str) -> Response:
    """Returns or changes when a job is deleted."""
    found = service.jobs.get(job_id)
    if request.method == "POST":
        given = request.parameters.get("DESTRUCTION", "")
        try:
            when = datetime.fromisoformat(given)
            when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
        except (ValueError, OverflowError):
            raise VOError(
                f"DESTRUCTION={given[:40]!r} is not a time; use ISO 8601, as in "
                "2030-01-31T12:00:00Z"
            ) from None
        service.jobs.set_destruction(job_id, when)
        return _job_page(request, job_id)
    return text(uws.iso(found.destruction))


def quote(service: TapService, request: Request, job_id: str) -> Response:
    """Returns when a job will end: nothing, since it is not known."""
    service.jobs.get(job_id)
    return text("")


def owner(service: TapService, request: Request, job_id: str) -> Response:
    """Returns the owner of a job: nothing, since jobs are anonymous."""
    service.jobs.get(job_id)
    return text("")


def parameters(service: TapService, request: Request, job_id: str) -> Response:
    """Lists or changes the parameters of a job."""
    found = service.jobs.get(job_id)
    if request.method == "POST":
        given = request.parameters
        if "UPLOAD" in given or request.form.files:
            raise VOError("tables can be uploaded only with the request that creates the job")
        service.jobs.set_parameters(job_id, given)
        return _job_page(request, job_id)
    return Response(uws.job_parameters(found), XML)


def error(service: TapService, request: Request, job_id: str) -> Response:
    """Returns why a job failed."""
    found = service.jobs.get(job_id)
    if found.phase != ERROR:
        raise NotFound(f"the job is {found.phase}; it has no error")
    return Response(error_document(found.error or ""), VOTABLE)


def results(service: TapService, request: Request, job_id: str) -> Response:
    """Lists the results of a job."""
    found = service.jobs.get(job_id)
    return Response(uws.job_results(found, request.address("tap", "async", job_id)), XML)


def result(service: TapService, request: Request, job_id: str) -> Response:
    """Returns the result of a job."""
    found = service.jobs.get(job_id)
    _check_has_result(found)
    try:
        file = service.jobs.result(job_id).open("rb")
    except FileNotFoundError:
        raise NotFound("the result was deleted") from None
    return Response(file, found.mime or VOTABLE)


def _check_has_result(found: Job) -> None:
    if found.phase == ERROR:
        raise VOError(found.error or "the job failed")
    if found.phase == ABORTED:
        raise NotFound("the job was aborted; it has no result")
    if found.phase != COMPLETED:
        raise NotFound(f"the job is {found.phase}; it has no result yet")


def _whole(value: str, name: str) -> int:
    try:
        return int(value[:18])
    except ValueError:
        raise VOError(f"{name}={value[:40]!r} is not a number of seconds") from None
