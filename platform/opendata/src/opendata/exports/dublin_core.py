"""Dublin Core, in the form of OAI-PMH (oai_dc)."""

from __future__ import annotations

from typing import Any

from lxml.builder import ElementMaker

from opendata.exports.datacite import resource_type
from opendata.exports.licences import licence
from opendata.exports.publication import issued, page, publisher, references
from opendata.records.models import Version
from opendata.records.subjects import subjects_of
from opendata.records.texts import cleaned

NAMESPACE = "http://www.openarchives.org/OAI/2.0/oai_dc/"
_DC = "http://purl.org/dc/elements/1.1/"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_ROOT = ElementMaker(namespace=NAMESPACE, nsmap={"oai_dc": NAMESPACE, "dc": _DC, "xsi": _XSI})
_TERM = ElementMaker(namespace=_DC)


def dublin_core(version: Version) -> Any:
    """Returns the metadata of a version as an XML element."""
    rights = licence(version.annotation.header.license)
    funders = [f"{grant.funder} {grant.award_number or ''}".strip() for grant in version.grants]
    rows = [
        ("title", version.title),
        *(("creator", creator.name) for creator in version.people),
        *(("subject", subject.term) for subject in subjects_of(version)),
        ("description", version.description),
        ("publisher", publisher(version)),
        *(("contributor", funder) for funder in funders),
        ("date", issued(version)),
        ("type", resource_type(version)),
        ("identifier", page(version)),
        ("identifier", f"doi:{version.doi}" if version.doi else ""),
        *(("relation", reference.address or reference.name) for reference in references(version)),
        ("rights", rights.text if rights else ""),
        ("rights", rights.url if rights and rights.url != rights.text else ""),
    ]
    root = _ROOT.dc(*(_TERM(name, cleaned(text)) for name, text in rows if text))
    root.set(
        f"{{{_XSI}}}schemaLocation", f"{NAMESPACE} http://www.openarchives.org/OAI/2.0/oai_dc.xsd"
    )
    return root
