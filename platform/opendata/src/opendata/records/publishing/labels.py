"""Labels of versions, such as 1.0 and 2.1, and their order."""

from __future__ import annotations

from django.db.models import QuerySet

from opendata.records.drafts import Refused
from opendata.records.models import Record, State, Version


def next_label(record: Record) -> str:
    """Returns the label of the next major version: 2.0 after 1.3."""
    taken = set(record.versions.values_list("label", flat=True))
    number = max(int(label.partition(".")[0]) for label in taken) + 1
    return f"{number}.0"


def refuse_taken(label: str, others: QuerySet[Version]) -> None:
    """Refuses a label that another version has; 1, 1.0 and 1.0.0 are the same label."""
    for other in others.values_list("label", flat=True):
        if label_number(other) == label_number(label):
            raise Refused(f"label: version {other} already exists")


def label_number(label: str) -> tuple[int, ...]:
    """Returns the numbers of a label, which compare as versions do: 1.10 is newer than 1.9."""
    major, minor, patch = ([int(part) for part in label.split(".")] + [0, 0])[:3]
    return major, minor, patch


def newest(record: Record) -> Version | None:
    """Returns the published version with the highest label, whenever it was published."""
    return max(
        record.versions.filter(state=State.PUBLISHED),
        key=lambda version: (label_number(version.label), version.number),
        default=None,
    )
