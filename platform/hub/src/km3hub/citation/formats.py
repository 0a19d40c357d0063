"""The formats of a citation: CITATION.cff 1.2, BibTeX and RO-Crate 1.1."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from km3hub.citation.contents import Contents
from km3hub.citation.papers import PAPERS

__all__ = ["FILES", "bibtex", "cff", "ro_crate"]

_AUTHOR = "The KM3NeT Collaboration"
_HOME = "https://www.km3net.org"
_LICENCE = "https://spdx.org/licenses/BSD-3-Clause"
#: Signs that BibTeX or TeX would interpret.
_TEX = {"\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "_": r"\_", "&": r"\&", "%": r"\%",
        "#": r"\#", "$": r"\$", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}  # fmt: skip


def _title(contents: Contents) -> str:
    return f"KM3NeT open science platform: {contents.title} (environment {contents.name})"


def _papers(contents: Contents) -> list[str]:
    return sorted(name for name in contents.packages if name in PAPERS)


def cff(contents: Contents) -> str:
    """Return `CITATION.cff` (https://citation-file-format.github.io, 1.2.0)."""
    data: dict[str, Any] = {
        "cff-version": "1.2.0",
        "message": "If you publish results from this environment, please cite it and its packages.",
        "title": _title(contents),
        "type": "software",
        "authors": [{"name": _AUTHOR, "website": _HOME}],
        "version": contents.version,
        "date-released": contents.released.isoformat(),
        "license": "BSD-3-Clause",
    }
    if contents.digest:
        data["identifiers"] = [
            {"type": "other", "value": contents.digest,
             "description": f"The image {contents.image} in a Docker Engine."}
        ]  # fmt: skip
    data["references"] = [
        {
            "type": "article",
            "title": paper.title,
            "authors": [_person(paper.authors)],
            "journal": paper.journal,
            "year": paper.year,
            "doi": paper.doi,
            "notes": f"{name} {contents.packages[name]}",
        }
        for name in _papers(contents)
        for paper in [PAPERS[name]]
    ]
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)


def _person(name: str) -> dict[str, str]:
    return {"name": name} if name.startswith("The ") else {"family-names": name}


def bibtex(contents: Contents) -> str:
    """Return entries for the environment and for its packages' papers."""
    note = f"Image {contents.image}, {contents.digest}" if contents.digest else ""
    entries = [
        _entry("software", f"km3net-{contents.name}-{contents.version}", {
            "author": f"{{{_AUTHOR}}}",
            "title": _tex(_title(contents)),
            "version": _tex(contents.version),
            "year": str(contents.released.year),
            "url": _HOME,
            "note": _tex(note),
        })
    ]  # fmt: skip
    for name in _papers(contents):
        paper = PAPERS[name]
        entries.append(_entry("article", name, {
            "author": f"{{{paper.authors}}}" if paper.authors.startswith("The ")
            else f"{paper.authors} and others",
            "title": _tex(paper.title),
            "journal": _tex(paper.journal),
            "year": str(paper.year),
            "doi": paper.doi,
            "note": _tex(f"Version {contents.packages[name]}"),
        }))  # fmt: skip
    return "\n".join(entries)


def _entry(kind: str, key: str, fields: dict[str, str]) -> str:
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    safe = re.sub(r"[^A-Za-z0-9:.+-]", "-", key)
    return "\n".join([f"@{kind}{{{safe},", *lines, "}", ""])


def _tex(text: str) -> str:
    return "".join(_TEX.get(sign, sign) for sign in text)


def ro_crate(contents: Contents) -> str:
    """Return `ro-crate-metadata.json` (https://w3id.org/ro/crate/1.1) for the other two files."""
    application = f"#{contents.name}"
    crate: dict[str, Any] = {
        "@id": "./", "@type": "Dataset", "name": _title(contents),
        "description": "The software of an environment of the KM3NeT open science platform.",
        "datePublished": contents.released.isoformat(), "license": {"@id": _LICENCE},
        "author": {"@id": _HOME}, "mainEntity": {"@id": application},
        "hasPart": [{"@id": "CITATION.cff"}, {"@id": "citation.bib"}],
    }  # fmt: skip
    software: dict[str, Any] = {
        "@id": application, "@type": "SoftwareApplication", "name": _title(contents),
        "softwareVersion": contents.version, "author": {"@id": _HOME},
        "license": {"@id": _LICENCE},
        "softwareRequirements": [
            {"@id": _url(name, version)} for name, version in sorted(contents.packages.items())
        ],
    }  # fmt: skip
    if contents.digest:
        software["identifier"] = contents.digest
    graph = [
        {"@id": "ro-crate-metadata.json", "@type": "CreativeWork", "about": {"@id": "./"},
         "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"}},
        crate,
        software,
        {"@id": _HOME, "@type": "Organization", "name": _AUTHOR},
        {"@id": _LICENCE, "@type": "CreativeWork", "name": "BSD 3-Clause"},
        {"@id": "CITATION.cff", "@type": "File", "encodingFormat": "application/yaml"},
        {"@id": "citation.bib", "@type": "File", "encodingFormat": "application/x-bibtex"},
        *(_requirement(name, version) for name, version in sorted(contents.packages.items())),
        *({"@id": f"https://doi.org/{PAPERS[name].doi}", "@type": "ScholarlyArticle",
           "name": PAPERS[name].title} for name in _papers(contents)),
    ]  # fmt: skip
    document = {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _url(name: str, version: str) -> str:
    return f"pkg:pypi/{name}@{version}"


def _requirement(name: str, version: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "@id": _url(name, version), "@type": "SoftwareApplication", "name": name,
        "softwareVersion": version,
    }  # fmt: skip
    if name in PAPERS:
        found["citation"] = {"@id": f"https://doi.org/{PAPERS[name].doi}"}
    return found


#: The names of the files, and what writes each.
FILES = {"CITATION.cff": cff, "citation.bib": bibtex, "ro-crate-metadata.json": ro_crate}
