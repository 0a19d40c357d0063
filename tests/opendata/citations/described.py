"""A description that is hard to cite, and a record's citation in two formats."""

from __future__ import annotations

from typing import Any

import bibtexparser
from bibtexparser import middlewares
from django.test import Client

from opendata.exports import citation
from opendata.records.models import Version

SPACE = "{http://datacite.org/schema/kernel-4}"

TITLE = r"Flux $E^{-2}$ <at> 50% of R&D_x ~ {unpaired # and \ν̄ of Ünal’s 山"  # noqa: RUF001

DESCRIPTION = (
    "  First paragraph, with <b>no</b> markup & 5 < 6 > 4.\n\n"
    "    indented: a_b, $x^2$, 100 %, 'quotes', \"double\"\n"
    "ER  - \nTI  - not a title\n\nLetzter Absatz: Größe, 中性微子, ]]> and \\end{document}\n"
)

CREATORS = [
    {
        "kind": "person",
        "family": "Pérez de los Heros",
        "given": "Carlos",
        "orcid": "0000-0002-1825-0097",
        "affiliations": [{"name": "CNRS", "ror": "02feahw73"}, {"name": "A & B"}],
        "roles": ["Data curation", "Software"],
    },
    {"kind": "organisation", "name": "Smith and Sons, Inc. & R{D", "ror": "05dxps055"},
    {"name": "Albert et al."},
]

FUNDING = [
    {
        "funder": "European Commission",
        "funder_identifier": "10.13039/501100000780",
        "award_number": "739560",
        "award_title": "KM3NeT 2.0",
        "award_uri": "https://cordis.europa.eu/project/id/739560",
    },
    {"funder": "Agence nationale de la recherche", "funder_identifier": "00rbzpz17"},
]


def as_json(web: Client, name: str) -> Any:
    return web.get(f"/records/cnt24_01/{name}").json()


def as_bibtex(version: Version) -> dict[str, str]:
    library = bibtexparser.parse_string(
        citation.bibtex(version),
        append_middleware=[middlewares.SeparateCoAuthors(), middlewares.SplitNameParts()],
    )
    assert not library.failed_blocks
    return {field.key: field.value for field in library.entries[0].fields}
