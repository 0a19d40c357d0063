"""Labels of versions, such as 1.0 and 2.1, and how they compare."""

from __future__ import annotations

from django.db.models import QuerySet

from opendata.records.drafts import Refused
from opendata.records.models import Record, State, Version


def next_label(record: Record) -> str:
    """Returns the label with the next number at its first place: 1.3 is followed by 2.0."""
    taken = set(record.versions.values_list("label", flat=True))
    number = max(int(label.partition(".")[0]) for label in taken) + 1
    return f"{number}.0"


def refuse_taken(label: str, others: QuerySet[Version]) -> None:
    """Refuse a label that another version has, also in other words: 1, 1.0 and 1.0.0 are one."""
    for other in others.values_list("label", flat=True):
        if label_number(other) == label_number(label):
            raise Refused(f"label: there is a version {other} already")


def label_number(label: str) -> tuple[int, ...]:
    """Returns a version's label as numbers that can be compared: 1.10 comes after 1.9."""
    major, minor, patch = ([int(part) for part in label.split(".")] + [0, 0])[:3]
    return major, minor, patch


def newest(record: Record) -> Version | None:
    """Return the published version with the highest label: 1.10, published after 2.0, is older."""
    return max(
        record.versions.filter(state=State.PUBLISHED),
        key=lambda version: (label_number(version.label), version.number),
        default=None,
    )
