"""What a record's page shows of authors, funding, subjects and references."""

from __future__ import annotations

from typing import Any

from opendata.exports.publication import references
from opendata.exports.signposting import doi_address
from opendata.records.credit import Creator, role_address
from opendata.records.models import Version
from opendata.records.subjects import subjects_of

#: Names in the line below the title; the list of authors has all.
_IN_BYLINE = 10


def credited(version: Version) -> dict[str, Any]:
    """Returns authors, funding, subjects and references of a version as its page shows them."""
    people = version.people
    return {
        "people": [_person(creator) for creator in people],
        "byline": [_person(creator) for creator in people[:_IN_BYLINE]],
        "more_people": max(len(people) - _IN_BYLINE, 0),
        "grants": version.grants,
        "subjects": subjects_of(version),
        "references": references(version),
        "doi_address": doi_address(version.doi) if version.doi else "",
    }


def _person(creator: Creator) -> dict[str, Any]:
    return {
        "name": creator.spoken,
        "kind": creator.kind,
        "orcid": creator.orcid,
        "ror": creator.ror,
        "address": f"https://orcid.org/{creator.orcid}" if creator.orcid else creator.ror,
        "affiliations": creator.affiliations,
        "roles": [(role, role_address(role)) for role in creator.roles],
    }
