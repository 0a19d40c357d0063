"""Checks of a draft before it is stored."""

from __future__ import annotations

from typing import cast

from pydantic import ValidationError

from adqlite.tables.names import name_problem
from opendata.records.drafts import Draft, Refused
from openkm3.catalogue import Entry, Kind, Service
from openkm3.errors import MetadataError
from openkm3.metadata import KTYPES, Annotation


def check_draft(draft: Draft, kind: str) -> None:
    """Refuses a draft that does not suit its kind of record, or would break the catalogue."""
    if draft.ktype not in KTYPES:
        raise Refused(f"ktype: {draft.ktype!r} is unknown; /api/v1/ktypes/ lists all")
    if (draft.ktype in ("km3.collection", "km3.stream")) != (kind != "resource"):
        raise Refused(f"ktype: a {kind} cannot have the content type {draft.ktype}")
    if draft.simulated and "SIMULATED" not in draft.title:
        raise Refused("title: the title of simulated data must contain SIMULATED")
    if "table" in draft.service and (problem := name_problem(draft.service["table"])):
        raise Refused(f"service: {problem}")
    try:
        annotation = Annotation.parse(draft.metadata)
    except MetadataError as error:
        raise Refused(str(error)) from None
    try:
        # One invalid entry would leave the catalogue without all others.
        Entry(
            identifier="x",
            title=draft.title,
            kind=cast("Kind", kind),
            ktype=draft.ktype,
            url=draft.url or None,
            service=Service(**draft.service),
            metadata=annotation,
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = first["loc"][-1]
        message = first["msg"].removeprefix("Value error, ")
        raise Refused(f"{'service: ' if name != 'url' else ''}{name}: {message}") from None
