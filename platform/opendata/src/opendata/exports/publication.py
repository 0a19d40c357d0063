"""What a citation contains besides names and title: publisher, date, references.

Only what is known is said. The portal is the publisher of what it holds, since it published that;
of what a record merely points to, such as a paper, its curators have to say it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import idutils
from django.conf import settings

from opendata.exports.addresses import permanent
from opendata.exports.signposting import doi_address, page_of
from opendata.records.credit import web_address
from opendata.records.models import Version


def publisher(version: Version) -> str | None:
    """Returns who published what the record describes; None if unknown."""
    if version.publisher:
        return version.publisher
    return None if version.is_elsewhere else str(settings.CONFIGURATION.title)


def issued(version: Version) -> str | None:
    """Returns when it was published, as YYYY, YYYY-MM or YYYY-MM-DD; None if unknown."""
    if version.issued:
        return version.issued
    if version.is_elsewhere or version.published_at is None:
        return None
    return str(version.published_at.date())


def year(version: Version) -> str | None:
    """Returns the year of publication; None if unknown."""
    day = issued(version)
    return day[:4] if day else None


def page(version: Version) -> str:
    """Returns the address of a version's page for citations."""
    return permanent(page_of(version))


def covered(version: Version) -> tuple[str, str] | None:
    """Returns the first and last day of the measurement; ``""`` for an unknown one."""
    days = ["" if day is None else day.isoformat() for day in version.measured()]
    return (days[0], days[1]) if any(days) else None


@dataclass(frozen=True)
class Reference:
    """A reference of a record: an identifier, an address, or a citation as text."""

    #: ``DOI``, ``arXiv``, ``URL``, or None for text.
    scheme: str | None
    name: str

    @property
    def address(self) -> str | None:
        """Its address on the web; None for text."""
        if self.scheme == "DOI":
            return doi_address(self.name)
        if self.scheme == "arXiv":
            return f"https://arxiv.org/abs/{self.name.removeprefix('arXiv:')}"
        return self.name if self.scheme == "URL" else None


def references(version: Version) -> list[Reference]:
    """Returns the references in a record's metadata, none to several."""
    text = (version.annotation.header.reference or "").strip()
    if not text:
        return []
    each = [_identified(part) for part in re.split(r"[\s;,]+", text) if part]
    found = [reference for reference in each if reference is not None]
    return found if len(found) == len(each) else [_identified(text) or Reference(None, text)]


def _identified(text: str) -> Reference | None:
    """Returns a DOI, an arXiv identifier or an address."""
    if idutils.is_doi(text):
        return Reference("DOI", str(idutils.normalize_doi(text)))
    bare = re.sub(r"^https?://(www\.)?arxiv\.org/(abs|pdf)/", "arXiv:", text, flags=re.IGNORECASE)
    if re.match(r"arxiv:", bare, re.IGNORECASE) and idutils.is_arxiv(bare):
        return Reference("arXiv", str(idutils.normalize_arxiv(bare)))
    try:
        return Reference("URL", web_address(text))
    except ValueError:
        return None
