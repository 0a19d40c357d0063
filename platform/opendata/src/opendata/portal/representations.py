"""Formats of a record other than its page, by the name of an export or by media type."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from rest_framework.renderers import JSONRenderer

from opendata.api.serializers import RecordDetail, VersionDetail
from opendata.exports import citation, signposting
from opendata.exports.csl import csl
from opendata.records.models import Version


def _text(value: str, kind: str) -> HttpResponse:
    return HttpResponse(value, content_type=f"{kind}; charset=utf-8")


def _json(value: dict[str, Any], kind: str) -> HttpResponse:
    return HttpResponse(json.dumps(value, indent=1, ensure_ascii=False), content_type=kind)


def _detail(version: Version) -> HttpResponse:
    """Answer as the API does: with the record if the version is its current one."""
    record = version.record
    current = record.current_id == version.pk
    data = RecordDetail(record).data if current else VersionDetail(version).data
    return HttpResponse(JSONRenderer().render(data), content_type="application/json")


#: Exports of a record, by their names in addresses.
EXPORTS: dict[str, Callable[[Version], HttpResponse]] = {
    "datacite.json": lambda v: _json(
        citation.datacite(v), "application/vnd.datacite.datacite+json"
    ),
    "datacite.xml": lambda v: HttpResponse(
        citation.datacite_xml(v), content_type="application/vnd.datacite.datacite+xml"
    ),
    "jsonld": lambda v: _json(citation.jsonld(v), "application/ld+json"),
    "csl.json": lambda v: _json(csl(v), "application/vnd.citationstyles.csl+json"),
    "bib": lambda v: _text(citation.bibtex(v), "application/x-bibtex"),
    "ris": lambda v: _text(citation.ris(v), "application/x-research-info-systems"),
    "ro-crate": lambda v: _json(citation.ro_crate(v), "application/ld+json"),
    "ro-crate-metadata.json": lambda v: _json(citation.ro_crate(v), "application/ld+json"),
    "linkset.json": lambda v: _json(signposting.linkset(v), "application/linkset+json"),
}
#: What `Accept` may request at a record's address instead of the page; the first wins a tie.
OFFERS: dict[str, Callable[[Version], HttpResponse]] = {
    "application/ld+json": EXPORTS["jsonld"],
    "application/json": _detail,
    "application/vnd.schemaorg.ld+json": EXPORTS["jsonld"],
    'application/ld+json;profile="https://w3id.org/ro/crate"': EXPORTS["ro-crate"],
    "application/vnd.datacite.datacite+json": EXPORTS["datacite.json"],
    "application/vnd.datacite.datacite+xml": EXPORTS["datacite.xml"],
    "application/xml": EXPORTS["datacite.xml"],
    "text/xml": EXPORTS["datacite.xml"],
    "application/vnd.citationstyles.csl+json": EXPORTS["csl.json"],
    "application/x-bibtex": EXPORTS["bib"],
    "application/x-research-info-systems": EXPORTS["ris"],
    "text/x-bibliography": lambda v: _text(citation.text(v) + "\n", "text/x-bibliography"),
    "text/plain": lambda v: _text(citation.text(v) + "\n", "text/plain"),
    "application/linkset+json": EXPORTS["linkset.json"],
    "application/linkset": lambda v: _text(signposting.linkset_text(v), "application/linkset"),
}


def of(version: Version, media_type: str) -> HttpResponse:
    """Returns a version in one of :data:`OFFERS`, with the media type that was requested."""
    response = OFFERS[media_type](version)
    if not response.headers["Content-Type"].startswith(media_type):
        response.headers["Content-Type"] = media_type
    return response
