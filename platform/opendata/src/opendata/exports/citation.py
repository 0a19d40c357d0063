"""Citations: DataCite 4, BibTeX, RIS, schema.org."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

from django.conf import settings

from opendata.exports.addresses import permanent
from opendata.exports.catalogue import storage_path
from opendata.exports.licences import licence_url
from opendata.exports.signposting import cite_as
from opendata.records.models import State, Version
from openkm3.metadata import KTYPES, Annotation

PUBLISHER = "KM3NeT Open Data Center"
_NAMESPACE = "http://datacite.org/schema/kernel-4"


def author(annotation: Annotation) -> str:
    """Return who made it."""
    return annotation.header.author or "KM3NeT Collaboration"


def year(version: Version) -> str:
    """Return the year of publication."""
    return str((version.published_at or version.created).year)


def resource_type(version: Version) -> str:
    """Return DataCite's general type."""
    if version.record.kind != "resource":
        return "Collection"
    kinds = {
        "km3.resource.paper": "Text",
        "km3.resource.software": "Software",
        "km3.resource.plot": "Image",
        "km3.env.acoustic.wav": "Sound",
        "km3.env.acoustic.mp3": "Sound",
    }
    return kinds.get(version.ktype, "Dataset")


def datacite(version: Version) -> dict[str, Any]:
    """Return DataCite 4 metadata as JSON."""
    annotation = version.annotation
    header = annotation.header
    moments = [text for text in _times(version) if text]
    dates = [{"date": str((version.published_at or version.created).date()), "dateType": "Issued"}]
    if moments:
        dates.append({"date": "/".join(moments), "dateType": "Collected"})
    if version.withdrawn_at:
        dates.append({"date": str(version.withdrawn_at.date()), "dateType": "Withdrawn"})
    page = permanent(f"records/{version.record.identifier}/")
    related = [
        {
            "relatedIdentifier": permanent(f"records/{child.identifier}/"),
            "relatedIdentifierType": "URL",
            "relationType": "HasPart",
        }
        for child in version.record.children.filter(current__isnull=False)
    ]
    if version.record.parent:
        related.append(
            {
                "relatedIdentifier": permanent(f"records/{version.record.parent.identifier}/"),
                "relatedIdentifierType": "URL",
                "relationType": "IsPartOf",
            }
        )
    if header.reference:
        doi = header.reference.partition("doi.org/")[2]
        related.append(
            {
                "relatedIdentifier": doi or header.reference,
                "relatedIdentifierType": "DOI" if doi else "URL",
                "relationType": "IsDescribedBy",
            }
        )
    content: dict[str, Any] = {
        "schemaVersion": "http://datacite.org/schema/kernel-4",
        "identifiers": [{"identifier": page, "identifierType": "URL"}],
        "creators": [{"name": author(annotation), "nameType": "Organizational"}],
        "titles": [{"title": version.title}],
        "publisher": {"name": PUBLISHER},
        "publicationYear": year(version),
        "types": {
            "resourceTypeGeneral": resource_type(version),
            "resourceType": KTYPES[version.ktype].label
            if version.ktype in KTYPES
            else version.ktype,
        },
        "subjects": [
            {"subject": text} for text in (header.instrument, "neutrino astronomy") if text
        ],
        "dates": dates,
        "language": "en",
        "alternateIdentifiers": [
            {"alternateIdentifier": version.record.identifier, "alternateIdentifierType": "openkm3"}
        ],
        "relatedIdentifiers": related,
        "sizes": [f"{file.size} bytes" for file in version.files.all()],
        "formats": sorted({file.media_type for file in version.files.all()}),
        "version": version.label,
        "rightsList": [
            {
                "rights": header.license,
                "rightsUri": licence_url(header.license),
                "rightsIdentifier": header.license,
                "rightsIdentifierScheme": "SPDX",
            }
        ]
        if header.license
        else [],
        "descriptions": [{"description": version.description, "descriptionType": "Abstract"}]
        if version.description
        else [],
        "url": page,
    }
    if version.doi:
        content["doi"] = version.doi
        content["identifiers"].insert(0, {"identifier": version.doi, "identifierType": "DOI"})
    return content


def datacite_xml(version: Version) -> bytes:
    """Return DataCite 4 metadata as XML."""
    content = datacite(version)
    ET.register_namespace("", _NAMESPACE)

    def add(parent: ET.Element, tag: str, text: str = "", **attributes: str) -> ET.Element:
        element = ET.SubElement(parent, f"{{{_NAMESPACE}}}{tag}", attributes)
        # Characters that XML has not would make the document unreadable for everybody.
        element.text = "".join(c for c in text if c >= " " or c in "\n\t") or None
        return element

    root = ET.Element(f"{{{_NAMESPACE}}}resource")
    first = content["identifiers"][0]
    add(root, "identifier", first["identifier"], identifierType=first["identifierType"])
    creator = add(add(root, "creators"), "creator")
    add(creator, "creatorName", content["creators"][0]["name"], nameType="Organizational")
    add(add(root, "titles"), "title", version.title)
    add(root, "publisher", PUBLISHER)
    add(root, "publicationYear", content["publicationYear"])
    add(
        root,
        "resourceType",
        content["types"]["resourceType"],
        resourceTypeGeneral=content["types"]["resourceTypeGeneral"],
    )
    subjects = add(root, "subjects")
    for item in content["subjects"]:
        add(subjects, "subject", item["subject"])
    dates = add(root, "dates")
    for item in content["dates"]:
        add(dates, "date", item["date"], dateType=item["dateType"])
    add(root, "language", "en")
    alternates = add(root, "alternateIdentifiers")
    add(
        alternates,
        "alternateIdentifier",
        version.record.identifier,
        alternateIdentifierType="openkm3",
    )
    if content["relatedIdentifiers"]:
        related = add(root, "relatedIdentifiers")
        for item in content["relatedIdentifiers"]:
            add(
                related,
                "relatedIdentifier",
                item["relatedIdentifier"],
                relatedIdentifierType=item["relatedIdentifierType"],
                relationType=item["relationType"],
            )
    if content["sizes"]:
        sizes, formats = add(root, "sizes"), add(root, "formats")
        for text in content["sizes"]:
            add(sizes, "size", text)
        for text in content["formats"]:
            add(formats, "format", text)
    add(root, "version", version.label)
    if content["rightsList"]:
        item = content["rightsList"][0]
        attributes = {"rightsURI": item["rightsUri"]} if item["rightsUri"] else {}
        add(add(root, "rightsList"), "rights", item["rights"], **attributes)
    if content["descriptions"]:
        add(
            add(root, "descriptions"),
            "description",
            version.description,
            descriptionType="Abstract",
        )
    ET.indent(root)
    content_bytes: bytes = ET.tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + content_bytes + b"\n"


def bibtex(version: Version) -> str:
    """Return a BibTeX entry."""
    key = f"km3net:{version.record.identifier}:{version.label}"
    fields = {
        "author": f"{{{_tex(author(version.annotation))}}}",
        "title": f"{{{_tex(version.title)}}}",
        "year": year(version),
        "publisher": _tex(PUBLISHER),
        "version": version.label,
        "url": cite_as(version),
    }
    if version.doi:
        fields["doi"] = version.doi
    rows = ",\n".join(f"  {name:<9} = {{{value}}}" for name, value in fields.items())
    return f"@{'article' if version.ktype.endswith('.paper') else 'misc'}{{{key},\n{rows}\n}}\n"


def _tex(text: str) -> str:
    for character in "\\{}":
        text = text.replace(character, "")
    for character in "&%$#_":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.split())


def ris(version: Version) -> str:
    """Return the citation in RIS, which reference managers read."""
    rows = [
        ("TY", "JOUR" if version.ktype.endswith(".paper") else "DATA"),
        ("AU", author(version.annotation)),
        ("TI", version.title),
        ("PY", year(version)),
        ("PB", PUBLISHER),
        ("ET", version.label),
        ("UR", cite_as(version)),
        *([("DO", version.doi)] if version.doi else []),
        ("ER", ""),
    ]
    return "".join(f"{tag}  - {' '.join(value.split())}\r\n" for tag, value in rows)


def text(version: Version) -> str:
    """Return the citation as one sentence."""
    title = version.title.rstrip(".")
    return (
        f"{author(version.annotation)} ({year(version)}): {title}, version {version.label}. "
        f"{PUBLISHER}. {cite_as(version)}"
    )


def jsonld(version: Version) -> dict[str, Any]:
    """Return schema.org metadata, which search engines read."""
    annotation = version.annotation
    page = permanent(f"records/{version.record.identifier}/")
    kind = {
        "Collection": "DataCatalog",
        "Software": "SoftwareSourceCode",
        "Text": "ScholarlyArticle",
    }
    content: dict[str, Any] = {
        "@context": "https://schema.org/",
        "@type": kind.get(resource_type(version), "Dataset"),
        "@id": page,
        "identifier": [version.record.identifier, *([cite_as(version)] if version.doi else [])],
        "name": version.title,
        "description": (version.description or version.title).ljust(50, "."),
        "url": page,
        "version": version.label,
        "datePublished": str((version.published_at or version.created).date()),
        "creator": {"@type": "Organization", "name": author(annotation)},
        "publisher": {"@type": "Organization", "name": PUBLISHER},
        "includedInDataCatalog": {
            "@type": "DataCatalog",
            "name": settings.CONFIGURATION.title,
            "url": permanent(""),
        },
        "isAccessibleForFree": True,
        "keywords": [
            word for word in (annotation.header.instrument, "neutrino", version.ktype) if word
        ],
    }
    licence = licence_url(annotation.header.license)
    if licence:
        content["license"] = licence
    moments = _times(version)
    if all(moments):
        content["temporalCoverage"] = "/".join(str(moment) for moment in moments)
    if annotation.paraminfo:
        content["variableMeasured"] = [
            {
                "@type": "PropertyValue",
                "name": parameter.columnname or key,
                **({"description": parameter.description} if parameter.description else {}),
                **({"unitText": parameter.unit} if parameter.unit else {}),
            }
            for key, parameter in annotation.paraminfo.items()
        ]
    if version.state == State.PUBLISHED and version.files.all():
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


def _times(version: Version) -> list[str | None]:
    return [None if day is None else day.isoformat() for day in version.measured()]


def ro_crate(version: Version) -> dict[str, Any]:
    """Return the record as RO-Crate 1.1 metadata; its files are on the web."""
    header = version.annotation.header
    licence = licence_url(header.license)
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
    root = {
        "@id": permanent(f"records/{version.record.identifier}/"),
        "@type": "Dataset",
        "identifier": cite_as(version),
        "name": version.title,
        "description": version.description or version.title,
        "datePublished": str((version.published_at or version.created).date()),
        "version": version.label,
        "author": {"@id": "#author"},
        "hasPart": [{"@id": item["@id"]} for item in files],
        **({"license": {"@id": licence}} if licence else {}),
    }
    graph = [
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "about": {"@id": root["@id"]},
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        },
        root,
        {"@id": "#author", "@type": "Organization", "name": author(version.annotation)},
        *([{"@id": licence, "@type": "CreativeWork", "name": header.license}] if licence else []),
        *files,
    ]
    return {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph}
