"""The records that harvesters see, withdrawn ones included."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.models import Max, Q, Value
from django.db.models.functions import Coalesce, Greatest

from opendata.records.models import Record, State

from .protocol import OaiError, limits_of

_PREFIX = "oai:opendata.km3net:"


def name_of(record: Record) -> str:
    """Returns the name of a record in OAI-PMH."""
    return f"{_PREFIX}{record.identifier}"


def record_named(name: str) -> Record:
    """Returns the record of a name."""
    identifier = name.removeprefix(_PREFIX).replace("\0", "")
    record: Record | None = stamped().filter(identifier=identifier).first()
    if record is None:
        raise OaiError("idDoesNotExist", f"There is no record {name}.")
    return record


def stamped() -> Any:
    """Returns all that is or was public, with the time of its last change as `stamp`.

    A withdrawal is a change.
    """
    public = {"versions__state__in": [State.PUBLISHED, State.WITHDRAWN]}
    first = datetime(1, 1, 2, tzinfo=UTC)
    return (
        Record.objects.filter(current__isnull=False)
        .annotate(
            at=Max("versions__published_at", filter=Q(**public)),
            gone=Max("versions__withdrawn_at", filter=Q(**public)),
        )
        .annotate(stamp=Greatest("at", Coalesce("gone", Value(first))))
    )


def selected(arguments: dict[str, str]) -> Any:
    """Returns the records that the arguments of a list select."""
    records = stamped().order_by("pk")
    if "set" in arguments:
        records = records.filter(kind=arguments["set"])
    limits = limits_of(arguments)
    if "from" in limits:
        records = records.filter(stamp__gte=limits["from"])
    if "until" in limits:
        records = records.filter(stamp__lte=limits["until"])
    return records
