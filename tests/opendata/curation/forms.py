"""Forms as a browser sends them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from ..records import ECSV, HEADER

if TYPE_CHECKING:
    pass

FIELDS = {
    "identifier": "cnt24_01",
    "kind": "resource",
    "title": "Counts of ORCA6",
    "description": "Counts in bins",
    "ktype": "km3.data.l4",
    "label": "1.0",
    "contact": HEADER["contact"],
    "instrument": "ORCA6",
    "license": "CC-BY-4.0",
    "reference": HEADER["reference"],
    "more": '{"header": {"version": "1.0", "created": "2024-01-01"}}',
}


def upload(web: Client, content: bytes = ECSV, name: str = "counts.ecsv") -> object:
    file = SimpleUploadedFile(name, content)
    return web.post("/curate/drafts/cnt24_01/upload", {"file": file}, follow=True)


def rows(**typed: str) -> dict[str, str]:
    """Return what a browser sends of the rows for authors and funding."""
    counts = {
        f"{name}-{kind}_FORMS": number
        for name in ("creators", "funding")
        for kind, number in (("TOTAL", "3"), ("INITIAL", "0"))
    }
    kinds = {f"creators-{number}-kind": "person" for number in range(3)}
    return counts | kinds | {key.replace("__", "-"): value for key, value in typed.items()}


AUTHORS = rows(
    creators__0__name="Roe",
    creators__0__given="Richard",
    creators__0__ORDER="2",
    creators__1__name="Doe",
    creators__1__given="Jane",
    creators__1__register="https://orcid.org/0000-0002-1825-0097",
    creators__1__affiliations="CNRS | 02feahw73\n\nA & B",
    creators__1__roles="Software",
    creators__1__ORDER="1",
    creators__2__kind="organisation",
    creators__2__name="KM3NeT Collaboration",
    creators__2__ORDER="3",
    funding__0__funder="European Commission",
    funding__0__award_number="739560",
)


def rows_of(place: str, value: str) -> dict[str, str]:
    return {place.replace("__", "-"): value}
