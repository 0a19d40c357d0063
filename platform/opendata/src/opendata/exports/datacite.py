"""DataCite Metadata Schema 4.6 (https://doi.org/10.14454/mzv1-5b55), as JSON and XML."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from datacite import schema45
from lxml import etree

from opendata.exports.addresses import permanent
from opendata.exports.licences import licence
from opendata.exports.publication import covered, issued, page, publisher, references, year
from opendata.records.credit import Affiliation, Creator, Funding
from opendata.records.days import day
from opendata.records.models import State, Version
from opendata.records.subjects import Subject, subjects_of
from opendata.records.texts import cleaned
from openkm3.metadata import KTYPES

_NAMESPACE = "http://datacite.org/schema/kernel-4"
_SCHEMA = "http://schema.datacite.org/meta/kernel-4.6/metadata.xsd"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
#: DataCite's code for a required value that is unknown (schema 4.6, appendix 3).
UNKNOWN = ":unav"
#: Contributor types that correspond to CRediT roles; other roles become "Other".
_CONTRIBUTOR = {
    "Data curation": "DataCurator",
    "Investigation": "DataCollector",
    "Project administration": "ProjectManager",
    "Supervision": "Supervisor",
}
_GENERAL = {
    "km3.resource.paper": "Text",
    "km3.resource.software": "Software",
    "km3.resource.plot": "Image",
    "km3.env.acoustic.wav": "Sound",
    "km3.env.acoustic.mp3": "Sound",
}


def resource_type(version: Version) -> str:
    """Returns DataCite's general type."""
    if version.record.kind != "resource":
        return "Collection"
    return _GENERAL.get(version.ktype, "Dataset")


def datacite(version: Version) -> dict[str, Any]:
    """Returns the metadata as JSON.

    The schema requires a publisher and a year. Where they are unknown for something published
    elsewhere, the record describes the portal's own page, which is metadata for it.
    """
    own_page = version.is_elsewhere and issued(version) is None
    rights = licence(version.annotation.header.license)
    people = version.people
    content: dict[str, Any] = {
        "schemaVersion": _NAMESPACE,
        "doi": "" if own_page else version.doi,
        "url": page(version),
        "types": {
            "resourceTypeGeneral": resource_type(version),
            "resourceType": KTYPES[version.ktype].label
            if version.ktype in KTYPES
            else version.ktype,
        },
        "creators": [_creator(creator) for creator in people] or [{"name": UNKNOWN}],
        "contributors": [
            _creator(creator) | {"contributorType": kind}
            for creator in people
            for kind in dict.fromkeys(_CONTRIBUTOR.get(role, "Other") for role in creator.roles)
        ],
        "titles": [{"title": version.title}],
        "publisher": {"name": publisher(version) or (_portal() if own_page else UNKNOWN)},
        "publicationYear": year(version) or str((version.published_at or version.created).year),
        "subjects": [_subject(subject) for subject in subjects_of(version)],
        "dates": _dates(version),
        "alternateIdentifiers": [
            {"alternateIdentifier": version.record.identifier, "alternateIdentifierType": "openkm3"}
        ],
        "relatedIdentifiers": _related(version, own_page=own_page),
        "relatedItems": [
            {
                "relatedItemType": "Other",
                "relationType": "IsDescribedBy",
                "titles": [{"title": reference.name}],
            }
            for reference in references(version)
            if reference.scheme is None
        ],
        "sizes": _sizes(version),
        "formats": sorted({file.media_type for file in version.files.all()}),
        "version": version.label,
        "rightsList": [
            {
                "rights": rights.text,
                **({"rightsUri": rights.url} if rights.url else {}),
                **(
                    {
                        "rightsIdentifier": rights.spdx,
                        "rightsIdentifierScheme": "SPDX",
                        "schemeUri": "https://spdx.org/licenses/",
                    }
                    if rights.spdx
                    else {}
                ),
            }
        ]
        if rights
        else [],
        "descriptions": [{"description": version.description, "descriptionType": "Abstract"}]
        if version.description
        else [],
        "fundingReferences": [_funding(grant) for grant in version.grants],
    }
    return {key: value for key, value in content.items() if value not in ("", [])}


def datacite_xml(version: Version) -> bytes:
    """Returns the metadata as XML."""
    content = datacite(version)
    root = schema45.dump_etree(_clean(content))
    # The elements used here are the same in 4.5 and 4.6.
    root.set(f"{_XSI}schemaLocation", f"{_NAMESPACE} {_SCHEMA}")
    if "doi" not in content:
        identifier = etree.Element("identifier", identifierType="URL")
        identifier.text = content["url"]
        root.insert(0, identifier)
    # The elements get their namespace only when they are written: the library declares the default
    # namespace without using it.
    return bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return cleaned(value)
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    return [_clean(item) for item in value] if isinstance(value, list) else value


def _portal() -> str:
    from django.conf import settings

    return str(settings.CONFIGURATION.title)


def _creator(creator: Creator) -> dict[str, Any]:
    kinds = {"person": "Personal", "organisation": "Organizational"}
    identifiers = [(creator.orcid and f"https://orcid.org/{creator.orcid}", "ORCID")]
    identifiers.append((creator.ror, "ROR"))
    content = {
        "name": creator.name,
        "nameType": kinds.get(creator.kind or ""),
        "givenName": creator.given,
        "familyName": creator.family,
        "nameIdentifiers": [
            {
                "nameIdentifier": name,
                "nameIdentifierScheme": scheme,
                "schemeUri": f"https://{scheme.lower()}.org",
            }
            for name, scheme in identifiers
            if name
        ],
        "affiliation": [_affiliation(item) for item in creator.affiliations],
    }
    return {key: value for key, value in content.items() if value}


def _affiliation(affiliation: Affiliation) -> dict[str, str]:
    content = {"name": affiliation.name}
    if affiliation.ror:
        content |= {
            "affiliationIdentifier": affiliation.ror,
            "affiliationIdentifierScheme": "ROR",
            "schemeUri": "https://ror.org",
        }
    return content


def _funding(grant: Funding) -> dict[str, str]:
    content = {
        "funderName": grant.funder,
        "funderIdentifier": grant.funder_identifier,
        "funderIdentifierType": grant.scheme,
        "awardNumber": grant.award_number,
        "awardUri": grant.award_uri,
        "awardTitle": grant.award_title,
    }
    return {key: value for key, value in content.items() if value}


def _subject(subject: Subject) -> dict[str, str]:
    content = {
        "subject": subject.term,
        "subjectScheme": subject.scheme,
        "schemeUri": subject.scheme_uri,
        "valueUri": subject.uri,
    }
    return {key: value for key, value in content.items() if value}


def _dates(version: Version) -> list[dict[str, str]]:
    rows = [("Issued", issued(version))]
    # An unknown end stays open (RKMS-ISO8601), so that the span is not taken for a single day.
    span = "/".join(covered(version) or ())
    if not version.simulated:
        rows.append(("Collected", span))
    # If it is not a date, a finding tells the curator.
    with suppress(ValueError):
        rows.append(("Created", day((version.annotation.header.created or "").partition("T")[0])))
    if version.withdrawn_at:
        rows.append(("Withdrawn", str(version.withdrawn_at.date())))
    dates = [{"date": text, "dateType": kind} for kind, text in rows if text]
    if version.simulated and span:
        # Nothing was collected in that time.
        about = "period covered by the simulation"
        dates.append({"date": span, "dateType": "Other", "dateInformation": about})
    return dates


def _related(version: Version, *, own_page: bool) -> list[dict[str, str]]:
    rows = [
        ("HasPart", "URL", permanent(f"records/{child.identifier}/"))
        for child in version.record.children.filter(current__isnull=False)
    ]
    if version.record.parent:
        rows.append(("IsPartOf", "URL", permanent(f"records/{version.record.parent.identifier}/")))
    same = "IsMetadataFor" if own_page else "IsIdenticalTo"
    if own_page and version.doi:
        rows.append((same, "DOI", version.doi))
    if version.url and version.state != State.WITHDRAWN:
        rows.append((same if version.is_elsewhere else "References", "URL", version.url))
    rows += [
        ("IsDescribedBy", reference.scheme, reference.name)
        for reference in references(version)
        if reference.scheme and reference.name.lower() != version.doi.lower()
    ]
    return [
        {"relatedIdentifier": name, "relatedIdentifierType": scheme, "relationType": relation}
        for relation, scheme, name in rows
    ]


def _sizes(version: Version) -> list[str]:
    files = list(version.files.all())
    if len(files) == 1:
        return [f"{files[0].size} bytes"]
    return [f"{file.name}: {file.size} bytes" for file in files]
