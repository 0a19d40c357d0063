"""Dataverse's metadata block ``citation`` (its User Guide, "Metadata References")."""

from __future__ import annotations

from typing import Any

from opendata.exports.publication import covered
from opendata.exports.signposting import cite_as
from opendata.records.credit import Creator, Funding
from opendata.records.models import Version
from opendata.records.subjects import subjects_of
from openkm3.metadata import KTYPES

#: ktypes in terms of Dataverse's own list of subjects.
_SUBJECTS = {
    "km3.env": "Earth and Environmental Sciences",
    "km3.resource.software": "Computer and Information Science",
}
_Field = dict[str, Any]


def _one(name: str, value: str) -> _Field:
    return {"typeName": name, "multiple": False, "typeClass": "primitive", "value": value}


def _many(name: str, kind: str, value: list[Any]) -> _Field:
    return {"typeName": name, "multiple": True, "typeClass": kind, "value": value}


def _compound(**parts: str | None) -> _Field:
    return {name: _one(name, value) for name, value in parts.items() if value}


def block(version: Version) -> dict[str, Any]:
    """Returns the block of a version, with the fields that have a value."""
    header = version.annotation.header
    word = KTYPES.get(version.ktype)
    days = covered(version) or ("", "")
    compounds = {
        "otherId": [_compound(otherIdAgency="openkm3", otherIdValue=version.record.identifier)],
        "author": [_author(creator) for creator in version.people],
        "datasetContact": [_compound(datasetContactEmail=header.contact)],
        "dsDescription": [_compound(dsDescriptionValue=version.description)],
        "keyword": [_compound(keywordValue=subject.term) for subject in subjects_of(version)],
        "grantNumber": [_grant(grant) for grant in version.grants],
        "timePeriodCovered": [
            _compound(timePeriodCoveredStart=days[0], timePeriodCoveredEnd=days[1])
        ],
    }
    fields = [_one("title", version.title), _one("alternativeURL", cite_as(version))]
    fields += [
        _many(name, "compound", known)
        for name, values in compounds.items()
        if (known := [value for value in values if value])
    ]
    fields.append(_many("subject", "controlledVocabulary", [_subject(version.ktype)]))
    if word is not None:
        fields.append(_many("kindOfData", "primitive", [word.label]))
    return {"displayName": "Citation Metadata", "name": "citation", "fields": fields}


def _author(creator: Creator) -> _Field:
    scheme = "ORCID" if creator.orcid else "ROR" if creator.ror else None
    affiliations = "; ".join(item.name for item in creator.affiliations)
    content = _compound(
        authorName=creator.name,
        authorAffiliation=affiliations,
        authorIdentifier=creator.orcid or creator.ror,
    )
    if scheme:
        content["authorIdentifierScheme"] = _one("authorIdentifierScheme", scheme) | {
            "typeClass": "controlledVocabulary"
        }
    return content


def _grant(grant: Funding) -> _Field:
    return _compound(grantNumberAgency=grant.funder, grantNumberValue=grant.award_number)


def _subject(ktype: str) -> str:
    for prefix, subject in _SUBJECTS.items():
        if ktype == prefix or ktype.startswith(f"{prefix}."):
            return subject
    return "Astronomy and Astrophysics"
