"""For administrators: health, and metrics in Prometheus' text format."""

from __future__ import annotations

import logging
import resource
import sqlite3
import time
from contextlib import suppress

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from adqlite.errors import StorageFull
from opendata.records.models import DataFile, Record, Version
from opendata.records.search import published
from opendata.searching import index
from opendata.vo.running import service

log = logging.getLogger(__name__)

_TEXT = "text/plain"

_STARTED = time.time()


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Answer 200 if the portal can serve requests, else 503 and the reason.

    The database must answer and have all migrations; records, search index and the tables of the
    VO services must be readable.
    """
    try:
        problem = _problem()
    except DatabaseError:
        log.exception("the database does not answer")
        problem = "the database does not answer"
    except (OSError, ValueError, sqlite3.Error):
        log.exception("the tables of the VO services cannot be read")
        problem = "the VO services cannot read their tables"
    if problem:
        return HttpResponse(f"{problem}\n", status=503, content_type=_TEXT)
    return HttpResponse("ok\n", content_type=_TEXT)


def _problem() -> str | None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return "the database is not up to date; run opendata migrate"
    index.find(published(), index.terms_of("neutrino")).exists()
    service().store.schemas()
    return None


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
    lines.append(f"opendata_tap_spool_bytes {observatory.spool.used}")
    with suppress(StorageFull):  # jobs cannot be counted on a disk that was full from the start
        lines.append(f"opendata_tap_stored_bytes {observatory.jobs.stored_bytes()}")
        for phase, count in sorted(observatory.jobs.phases().items()):
            lines.append(f'opendata_tap_jobs{{phase="{phase}"}} {count}')
    return HttpResponse("\n".join(lines) + "\n", content_type=f"{_TEXT}; version=0.0.4")
