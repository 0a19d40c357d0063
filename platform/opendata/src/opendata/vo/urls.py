"""Addresses of the VO services; include them under `vo/`."""

from __future__ import annotations

from django.urls import path

from opendata.vo.http import cone, jobs, tap

app_name = "vo"
_JOB = "tap/async/<str:job_id>"

urlpatterns = [
    path("tap/", tap.landing, name="tap-page"),
    path("tap", tap.landing, name="tap"),
    path("tap/sync", tap.sync, name="tap-sync"),
    path("tap/capabilities", tap.capabilities, name="tap-capabilities"),
    path("tap/availability", tap.availability, name="tap-availability"),
    path("tap/tables", tap.tables, name="tap-tables"),
    path("tap/tables/<str:table>", tap.tables, name="tap-table"),
    path("tap/examples", tap.examples, name="tap-examples"),
    path("tap/async", jobs.collection, name="async"),
    path(_JOB, jobs.job, name="job"),
    path(f"{_JOB}/phase", jobs.phase, name="job-phase"),
    path(f"{_JOB}/executionduration", jobs.duration, name="job-duration"),
    path(f"{_JOB}/destruction", jobs.destruction, name="job-destruction"),
    path(f"{_JOB}/quote", jobs.quote, name="job-quote"),
    path(f"{_JOB}/owner", jobs.owner, name="job-owner"),
    path(f"{_JOB}/parameters", jobs.job_parameters, name="job-parameters"),
    path(f"{_JOB}/error", jobs.error, name="job-error"),
    path(f"{_JOB}/results", jobs.results, name="job-results"),
    path(f"{_JOB}/results/result", jobs.result, name="job-result"),
    path("scs/<str:schema>/<str:table>", cone.search, name="cone"),
    path("scs/<str:schema>/<str:table>/capabilities", cone.capabilities, name="cone-capabilities"),
]
