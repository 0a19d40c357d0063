"""Search with facets, the same for pages and REST."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

import django_filters
from django.db.models import Count, Q, QuerySet

from opendata.records.models import Kind, Record
from opendata.searching import index
from openkm3.metadata import KTYPES

_FACETS = {"kind": "Kind", "ktype": "Content", "instrument": "Instrument", "license": "Licence"}


class RecordFilter(django_filters.FilterSet):
    """Parameters of a search."""

    q = django_filters.CharFilter(
        method="words",
        label='words in any form, all of which must occur; "words in quotes" match as a phrase',
        max_length=200,
    )
    kind = django_filters.MultipleChoiceFilter(choices=Kind.choices)
    ktype = django_filters.CharFilter(method="within", label="ktype, including more specific ones")
    instrument = django_filters.CharFilter(max_length=100)
    license = django_filters.CharFilter(max_length=100)
    simulated = django_filters.BooleanFilter()
    parent = django_filters.CharFilter(field_name="parent__identifier", max_length=200)
    t_min = django_filters.DateFilter(method="since", label="measured on or after this day")
    t_max = django_filters.DateFilter(method="until", label="measured on or before this day")
    ordering = django_filters.OrderingFilter(
        fields=[("published", "published"), ("title", "title"), ("identifier", "identifier")]
    )

    class Meta:
        """Fields of the form."""

        model = Record
        fields = ("q", "kind", "ktype", "instrument", "license", "simulated", "parent")

    def words(self, records: QuerySet[Record], name: str, value: str) -> QuerySet[Record]:
        """Keep records that contain every word, the best first."""
        return index.find(records, index.terms_of(value))

    def since(self, records: QuerySet[Record], name: str, value: date) -> QuerySet[Record]:
        """Keep records measured on or after a day; if the end is unknown, the start decides."""
        begin = Q(measured_to__isnull=True, measured_from__gte=value)
        return records.filter(Q(measured_to__gte=value) | begin)

    def until(self, records: QuerySet[Record], name: str, value: date) -> QuerySet[Record]:
        """Keep records measured on or before a day; if the start is unknown, the end decides."""
        end = Q(measured_from__isnull=True, measured_to__lte=value)
        return records.filter(Q(measured_from__lte=value) | end)

    def within(self, records: QuerySet[Record], name: str, value: str) -> QuerySet[Record]:
        """Keep records of a ktype and of more specific ones."""
        return records.filter(Q(ktype=value) | Q(ktype__startswith=f"{value}."))


@dataclass(frozen=True)
class Facet:
    """How many of the records found have each value."""

    name: str
    title: str
    values: list[tuple[str, str, int]]


def published() -> QuerySet[Record]:
    """Returns all published records that are not withdrawn."""
    return Record.objects.filter(current__isnull=False, withdrawn=False).order_by("identifier")


@dataclass(frozen=True)
class Narrowed:
    """Facets and number of the records found."""

    facets: list[Facet]
    count: int


def facets(records: QuerySet[Record]) -> Narrowed:
    """Count the values of all facets with one query."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in _FACETS}
    rows: Any = records.order_by().values_list(*_FACETS).annotate(n=Count("pk"))
    total = 0
    for *values, count in rows:
        total += count
        for name, value in zip(_FACETS, values, strict=True):
            if value:
                counts[name][value] += count
    result = []
    for name, title in _FACETS.items():
        found = [(value, _label(name, value), count) for value, count in counts[name].items()]
        result.append(Facet(name, title, sorted(found, key=lambda item: (-item[2], item[1]))))
    return Narrowed(result, total)


def _label(name: str, value: str) -> str:
    if name == "ktype" and value in KTYPES:
        return KTYPES[value].label
    return value
