"""schema.org as JSON-LD, which search engines read, and RO-Crate 1.1, which is built on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings

from opendata.exports.addresses import permanent
from opendata.exports.catalogue import storage_path
from opendata.exports.datacite import resource_type
from opendata.exports.licences import licence
from opendata.exports.publication import covered, issued, page, publisher, references
from opendata.exports.signposting import cite_as
from opendata.records.credit import Creator, Funding, role_address
from opendata.records.models import State, Version
from opendata.records.subjects import Subject, subjects_of
from openkm3.metadata import KTYPES

Node = dict[str, Any]


def _said(**content: Any) -> Node:
    """Returns the values that are known; a key such as ``@id`` is written ``at_id``."""
    return {
        key.replace("at_", "@", 1) if key.startswith("at_") else key: value
        for key, value in content.items()
        if value not in (None, "", [])
    }


def _creator(creator: Creator) -> Node:
    kind = {"person": "Person", "organisation": "Organization"}.get(creator.kind or "", "Thing")
    return _said(
        at_type=kind,
        at_id=f"https://orcid.org/{creator.orcid}" if creator.orcid else creator.ror,
        name=creator.spoken,
        givenName=creator.given,
        familyName=creator.family,
        affiliation=[
            _said(at_type="Organization", at_id=item.ror, name=item.name)
            for item in creator.affiliations
        ],
    )


def _roles(creator: Creator) -> list[Node]:
    """Returns a contribution as schema.org has it: a Role between the work and the person."""
    return [
        {
            "@type": "Role",
            "roleName": role,
            "url": role_address(role),
            "contributor": _creator(creator),
        }
        for role in creator.roles
    ]


def _grant(grant: Funding) -> Node:
    return _said(
        at_type="Grant",
        at_id=grant.award_uri,
        identifier=grant.award_number,
        name=grant.award_title,
        url=grant.award_uri,
        funder=_said(at_type="Organization", at_id=grant.funder_identifier, name=grant.funder),
    )


def _keyword(subject: Subject) -> Node | str:
    if not subject.uri:
        return subject.term
    return _said(
        at_type="DefinedTerm",
        at_id=subject.uri,
        name=subject.term,
        url=subject.uri,
        inDefinedTermSet=subject.scheme_uri,
    )


def _covered(version: Version) -> str | None:
    """Returns an ISO 8601 interval; an unknown end is open."""
    span = covered(version)
    return "/".join(day or ".." for day in span) if span else None


def _parameters(version: Version) -> list[Node]:
    return [
        _said(
            at_type="PropertyValue",
            name=parameter.columnname or key,
            description=parameter.description,
            unitText=parameter.unit,
        )
        for key, parameter in version.annotation.paraminfo.items()
    ]


def jsonld(version: Version) -> Node:
    """Returns schema.org metadata."""
    rights = licence(version.annotation.header.license)
    by = publisher(version)
    kind = {
        "Collection": "DataCatalog",
        "Software": "SoftwareSourceCode",
        "Text": "ScholarlyArticle",
    }
    words = [_keyword(subject) for subject in subjects_of(version)]
    if version.ktype in KTYPES:
        words.append(version.ktype)
    content = _said(
        at_context="https://schema.org/",
        at_type=kind.get(resource_type(version), "Dataset"),
        at_id=page(version),
        identifier=[version.record.identifier, *([cite_as(version)] if version.doi else [])],
        name=version.title,
        description=version.description,
        url=page(version),
        sameAs=version.url if version.is_elsewhere else None,
        version=version.label,
        datePublished=issued(version),
        creator=[_creator(creator) for creator in version.people],
        contributor=[role for creator in version.people for role in _roles(creator)],
        funding=[_grant(grant) for grant in version.grants],
        publisher={"@type": "Organization", "name": by} if by else None,
        includedInDataCatalog={
            "@type": "DataCatalog",
            "name": settings.CONFIGURATION.title,
            "url": permanent(""),
        },
        keywords=words,
        license=(rights.url or rights.text) if rights else None,
        temporalCoverage=_covered(version),
        citation=[item.address or item.name for item in references(version)],
        variableMeasured=_parameters(version),
    )
    if version.state == State.PUBLISHED and version.files.all():
        content["isAccessibleForFree"] = True
        content["distribution"] = [
            {
                "@type": "DataDownload",
                "name": file.name,
                "contentUrl": permanent(storage_path(file)),
                "encodingFormat": file.media_type,
                "contentSize": f"{file.size} B",
                "sha256": file.sha256,
            }
            for file in version.files.all()
        ]
    return content


class _Graph:
    """RO-Crate's flat list of entities, each of which occurs once.

    Of one address several things may be said: two departments with the ROR of their university, two
    awards with the page of their programme. The first keeps the address, others say theirs as an
    identifier, so that no name or number is lost.
    """

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}

    def add(self, node: Node, name: str = "") -> Node:
        """Add an entity and those inside it; return the reference to it."""
        identifier = str(node.get("@id") or f"#{name}")
        flat = {key: self._inner(value, f"{name}-{key}".strip("-")) for key, value in node.items()}
        flat.pop("@id", None)
        known = self.nodes.get(identifier, {})
        if name and any(known.get(key, value) != value for key, value in flat.items()):
            flat = {"identifier": identifier} | flat
            identifier = f"#{name}"
        self.nodes[identifier] = self.nodes.get(identifier, {}) | {"@id": identifier} | flat
        return {"@id": identifier}

    def _inner(self, value: Any, name: str) -> Any:
        if isinstance(value, dict) and "@type" in value:
            return self.add(value, name)
        if isinstance(value, list):
            return [self._inner(item, f"{name}-{n}") for n, item in enumerate(value, start=1)]
        return value

    def each(self, add: Callable[[Any], Node], items: list[Any], name: str) -> list[Node]:
        """Add entities, numbering those without an address."""
        return [self.add(add(item), f"{name}-{n}") for n, item in enumerate(items, start=1)]


def ro_crate(version: Version) -> Node:
    """Returns the record as RO-Crate 1.1 metadata (``ro-crate-metadata.json``).

    The crate is the record on the web: its files are web-based data entities, its root has the
    address of the record's page.
    """
    graph = _Graph()
    rights = licence(version.annotation.header.license)
    by = publisher(version)
    address = page(version)
    graph.add(
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "about": {"@id": address},
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        }
    )
    files = [
        {
            "@id": permanent(storage_path(file)),
            "@type": "File",
            "name": file.name,
            "contentSize": str(file.size),
            "encodingFormat": file.media_type,
            "sha256": file.sha256,
        }
        for file in (version.files.all() if version.state == State.PUBLISHED else [])
    ]
    license_node: Any = rights.text if rights else None
    if rights and rights.url:
        license_node = {"@id": rights.url, "@type": "CreativeWork", "name": rights.text}
    graph.add(
        _said(
            at_id=address,
            at_type="Dataset",
            identifier=cite_as(version),
            name=version.title,
            description=version.description,
            datePublished=issued(version),
            version=version.label,
            keywords=[_keyword(subject) for subject in subjects_of(version)],
            license=license_node,
            temporalCoverage=_covered(version),
            author=graph.each(_creator, version.people, "creator"),
            contributor=[
                {**role, "contributor": graph.add(_creator(creator), f"creator-{n}")}
                for n, creator in enumerate(version.people, start=1)
                for role in _roles(creator)
            ],
            funding=graph.each(_grant, version.grants, "grant"),
            # RO-Crate's page on funding asks for the funder in addition to the grants.
            funder=graph.each(lambda grant: _grant(grant)["funder"], version.grants, "funder"),
            publisher={"@type": "Organization", "@id": "#publisher", "name": by} if by else None,
            citation=[
                {"@id": item.address, "@type": "CreativeWork", "name": item.name}
                if item.address
                else item.name
                for item in references(version)
            ],
            hasPart=files,
        ),
        "record",
    )
    return {
        # Its context predates some of these schema.org terms.
        "@context": [
            "https://w3id.org/ro/crate/1.1/context",
            {name: f"https://schema.org/{name}" for name in ("funding", "sha256")},
        ],
        "@graph": [*graph.nodes.values()],
    }
