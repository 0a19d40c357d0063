"""The search API: datasets by words."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from opendata.records.search import published
from opendata.searching import index
from opendata.searching.spelling import hint

from . import shapes
from .native import answered, read, refused

_MOST = 1000
_SORTS = {"name": "title", "date": "published"}
#: Filters that this portal does not have; they are refused rather than ignored.
_UNKNOWN = {"fq", "subtree", "geo_point", "geo_radius", "metadata_fields"}


@read
def search(request: HttpRequest) -> HttpResponse:
    """Answer a search; ``*`` finds everything."""
    asked = request.GET.get("q", "").replace("\0", " ")[:200]
    foreign = sorted(_UNKNOWN & set(request.GET))
    numbers = [request.GET.get("start", "0"), request.GET.get("per_page", "10")]
    if foreign:
        return refused(f"This portal's search does not support {', '.join(foreign)}.", 400)
    if not all(text.isdecimal() and len(text) < 10 for text in numbers):
        return refused("start and per_page must be whole numbers.", 400)
    if not asked:
        return refused("q parameter is missing", 400)
    start, size = int(numbers[0]), min(int(numbers[1]), _MOST)
    kinds = request.GET.getlist("type")
    records = published().select_related("current", "parent")
    if kinds and "dataset" not in kinds:
        records = records.none()
    elif asked != "*":
        records = index.find(records, index.terms_of(asked))
    if sort := _SORTS.get(request.GET.get("sort", "")):
        descending = request.GET.get("order", "asc" if sort == "title" else "desc") == "desc"
        records = records.order_by(f"{'-' if descending else ''}{sort}", "identifier")
    total = records.count()
    items = [shapes.found(record) for record in records[start : start + size]]
    instead = hint(asked).instead if not total else None
    return answered(
        {
            "q": asked,
            "total_count": total,
            "start": start,
            "spelling_alternatives": {asked: f"[{instead}]"} if instead else {},
            "items": items,
            "count_in_response": len(items),
        }
    )
