"""UWS 1.1: asynchronous queries."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from adqlite.errors import NotFound, VOError
from adqlite.formats.votable import error_document
from adqlite.jobs.job import ABORTED, COMPLETED, ERROR, Job
from opendata.vo.http import documents
from opendata.vo.http.requests import (
    VOTABLE,
    address,
    document,
    parameters,
    see_other,
    text,
    uploads,
    vo_view,
    xml,
)
from opendata.vo.http.running import service

_LONGEST_WAIT = 60


def _here(request: HttpRequest, job_id: str) -> HttpResponse:
    return see_other(address(request, "job", job_id=job_id))


def _action(job_id: str, phase: str) -> None:
    jobs = service().jobs
    if phase == "RUN":
        jobs.start(job_id)
    elif phase == "ABORT":
        jobs.abort(job_id)
    else:
        raise VOError(f"PHASE={phase[:40]!r} is not known; there are RUN and ABORT")


@vo_view("GET", "POST")
def collection(request: HttpRequest) -> HttpResponse:
    """Make a job, or list jobs: none, because who makes a job is the only one who knows it."""
    if request.method != "POST":
        return xml(documents.job_list())
    given = parameters(request)
    phase = given.get("PHASE", "").upper()
    if phase not in {"", "RUN"}:
        raise VOError(f"a new job cannot have PHASE={phase[:40]!r}; RUN starts it at once")
    job = service().create_job(given, uploads(request))
    if phase:
        _action(job.id, phase)
    return _here(request, job.id)


@vo_view("GET", "POST", "DELETE")
def job(request: HttpRequest, job_id: str) -> HttpResponse:
    """Describe, wait for or delete a job."""
    jobs = service().jobs
    given = parameters(request)
    if request.method == "DELETE" or given.get("ACTION", "").upper() == "DELETE":
        if request.method in {"GET", "HEAD"}:
            raise VOError("deleting a job needs POST or DELETE")
        jobs.get(job_id)
        jobs.delete(job_id)
        return see_other(address(request, "async"))
    if request.method == "POST":
        raise VOError("a job itself takes ACTION=DELETE only; see its parameters and its phase")
    found = jobs.get(job_id)
    if "WAIT" in given:
        seconds = _whole(given["WAIT"], "WAIT")
        if seconds < 0 or seconds > _LONGEST_WAIT:
            seconds = _LONGEST_WAIT
        found = jobs.wait(job_id, seconds, given.get("PHASE"))
    return xml(documents.job(found, address(request, "job", job_id=job_id)))


@vo_view("GET", "POST")
def phase(request: HttpRequest, job_id: str) -> HttpResponse:
    """Tell the phase, start or stop."""
    if request.method == "POST":
        service().jobs.get(job_id)
        _action(job_id, parameters(request).get("PHASE", "").upper())
        return _here(request, job_id)
    return text(service().jobs.get(job_id).phase)


@vo_view("GET", "POST")
def duration(request: HttpRequest, job_id: str) -> HttpResponse:
    """Tell or change how many seconds a job may run."""
    jobs = service().jobs
    if request.method == "POST":
        jobs.get(job_id)
        jobs.set_duration(
            job_id, _whole(parameters(request).get("EXECUTIONDURATION", ""), "EXECUTIONDURATION")
        )
        return _here(request, job_id)
    return text(str(jobs.get(job_id).duration))


@vo_view("GET", "POST")
def destruction(request: HttpRequest, job_id: str) -> HttpResponse:
    """Tell or change when a job is deleted."""
    jobs = service().jobs
    if request.method == "POST":
        jobs.get(job_id)
        given = parameters(request).get("DESTRUCTION", "")
        try:
            when = datetime.fromisoformat(given)
            when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
        except (ValueError, OverflowError):
            raise VOError(
                f"DESTRUCTION={given[:40]!r} is no time; give ISO 8601, as in 2030-01-31T12:00:00Z"
            ) from None
        jobs.set_destruction(job_id, when)
        return _here(request, job_id)
    return text(documents.iso(jobs.get(job_id).destruction))


@vo_view("GET")
def quote(request: HttpRequest, job_id: str) -> HttpResponse:
    """Tell when a job will end: not known."""
    service().jobs.get(job_id)
    return text("")


@vo_view("GET")
def owner(request: HttpRequest, job_id: str) -> HttpResponse:
    """Tell whose a job is: nobody's by name."""
    service().jobs.get(job_id)
    return text("")


@vo_view("GET", "POST")
def job_parameters(request: HttpRequest, job_id: str) -> HttpResponse:
    """List or change the parameters of a job."""
    jobs = service().jobs
    if request.method == "POST":
        jobs.get(job_id)
        given = parameters(request)
        if "UPLOAD" in given or request.FILES:
            raise VOError("uploads come with the request that makes the job")
        jobs.set_parameters(job_id, given)
        return _here(request, job_id)
    return xml(documents.job_parameters(jobs.get(job_id)))


@vo_view("GET")
def error(request: HttpRequest, job_id: str) -> HttpResponse:
    """Say why a job failed."""
    found = service().jobs.get(job_id)
    if found.phase != ERROR:
        raise NotFound(f"the job is {found.phase}, it has no error")
    return HttpResponse(error_document(found.error or ""), content_type=VOTABLE)


@vo_view("GET")
def results(request: HttpRequest, job_id: str) -> HttpResponse:
    """List the results of a job."""
    found = service().jobs.get(job_id)
    return xml(documents.job_results(found, address(request, "job", job_id=job_id)))


@vo_view("GET")
def result(request: HttpRequest, job_id: str) -> HttpResponseBase:
    """Give the result of a job."""
    jobs = service().jobs
    found = jobs.get(job_id)
    _has_result(found)
    try:
        file = jobs.result(job_id).open("rb")
    except FileNotFoundError:
        raise NotFound("the result was deleted") from None
    return document(request, file, found.mime or VOTABLE)


def _has_result(found: Job) -> None:
    if found.phase == ERROR:
        raise VOError(found.error or "the job failed")
    if found.phase == ABORTED:
        raise NotFound("the job was stopped, it has no result")
    if found.phase != COMPLETED:
        raise NotFound(f"the job is {found.phase}, its result is not there yet")


def _whole(value: str, name: str) -> int:
    try:
        return int(value[:18])
    except ValueError:
        raise VOError(f"{name}={value[:40]!r} is no number of seconds") from None
