"""Documents of UWS 1.1."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from lxml.builder import ElementMaker

from adqlite.jobs.job import COMPLETED, ERROR, Job
from adqlite.xmltext import XSI, clean, document

_UWS = "http://www.ivoa.net/xml/UWS/v1.0"
_XLINK = "http://www.w3.org/1999/xlink"
_uws = ElementMaker(namespace=_UWS, nsmap={"uws": _UWS, "xlink": _XLINK, "xsi": XSI})


def iso(when: datetime | None) -> str:
    """Returns a time in the notation of UWS, empty if there is none."""
    return "" if when is None else when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def job_list() -> bytes:
    """Returns an empty list of jobs."""
    return document(_uws.jobs(version="1.1"))


def job(found: Job, base: str) -> bytes:
    """Returns the description of the job at the address `base`."""
    parts = [_uws.jobId(found.id)]
    if found.run_id:
        parts.append(_uws.runId(clean(found.run_id)))
    parts += [
        _nillable("ownerId", ""),
        _uws.phase(found.phase),
        _nillable("quote", ""),
        _uws.creationTime(iso(found.created)),
        _nillable("startTime", iso(found.started)),
        _nillable("endTime", iso(found.ended)),
        _uws.executionDuration(str(found.duration)),
        _uws.destruction(iso(found.destruction)),
        _parameters(found),
        _results(found, base),
    ]
    if found.phase == ERROR:
        message = _uws.message(clean(found.error or ""))
        parts.append(_uws.errorSummary(message, type="fatal", hasDetail="true"))
    return document(_uws.job(*parts, version="1.1"))


def job_parameters(found: Job) -> bytes:
    """Returns the parameters of a job."""
    return document(_parameters(found))


def job_results(found: Job, base: str) -> bytes:
    """Returns the list of results of the job at the address `base`."""
    return document(_results(found, base))


def _nillable(tag: str, value: str) -> Any:
    element = getattr(_uws, tag)
    return element(value) if value else element({f"{{{XSI}}}nil": "true"})


def _parameters(found: Job) -> Any:
    given = found.parameters.items()
    return _uws.parameters(*(_uws.parameter(clean(value), id=clean(name)) for name, value in given))


def _results(found: Job, base: str) -> Any:
    if found.phase != COMPLETED:
        return _uws.results()
    link = {f"{{{_XLINK}}}type": "simple", f"{{{_XLINK}}}href": f"{base}/results/result"}
    return _uws.results(_uws.result({**link, "mime-type": found.mime or ""}, id="result"))
