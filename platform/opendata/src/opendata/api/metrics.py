"""For who runs the portal: is it alive, and what does it hold (Prometheus text format)."""

from __future__ import annotations

import logging
import resource
import sqlite3
import time

from django.db import connection
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from opendata.records.models import DataFile, Record, Version
from opendata.vo.http.running import service

log = logging.getLogger(__name__)

_TEXT = "text/plain"

_STARTED = time.time()


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Answer 200 if the database does, and the tables of the Virtual Observatory can be read."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    try:
        service().store.schemas()
    except (OSError, ValueError, sqlite3.Error):
        log.exception("the tables of the Virtual Observatory cannot be read")
        return HttpResponse(
            "the Virtual Observatory cannot read its tables\n", status=503, content_type=_TEXT
        )
    return HttpResponse("ok\n", content_type=_TEXT)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with counts and sizes."""
    lines = [f"opendata_start_time_seconds {_STARTED:.0f}"]
    used = resource.getrusage(resource.RUSAGE_SELF)
    lines.append(f"opendata_memory_peak_bytes {used.ru_maxrss * 1024}")
    lines.append(f"opendata_cpu_seconds_total {used.ru_utime + used.ru_stime:.2f}")
    lines.append(f"opendata_records {Record.objects.filter(current__isnull=False).count()}")
    lines.append(f"opendata_files {DataFile.objects.count()}")
    for state, count in Version.objects.order_by().values_list("state").annotate(Count("pk")):
        lines.append(f'opendata_versions{{state="{state}"}} {count}')
    observatory = service()
    schemas = observatory.store.schemas()
    lines.append(f"opendata_vo_tables {sum(len(schema.tables) for schema in schemas)}")
    for phase, count in sorted(observatory.jobs.phases().items()):
        lines.append(f'opendata_tap_jobs{{phase="{phase}"}} {count}')
    return HttpResponse("\n".join(lines) + "\n", content_type=f"{_TEXT}; version=0.0.4")
