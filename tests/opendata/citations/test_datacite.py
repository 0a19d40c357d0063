"""DataCite: read by its own schema."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import pytest
import rispy
from datacite import schema45
from django.conf import settings
from django.test import Client, override_settings

from opendata.accounts.models import User
from opendata.exports import citation
from opendata.exports.licences import licence
from opendata.exports.publication import references
from opendata.importers import generation
from opendata.records import publishing
from opendata.records.models import Record, Version
from opendata.records.publishing import Draft, NewRecord

from ..records import HEADER, draft, published
from .described import DESCRIPTION, SPACE, TITLE, as_bibtex, as_json


def test_datacite_names_people_places_and_awards(web: Client, record: Version) -> None:
    content = as_json(web, "datacite.json")
    schema45.validator.validate(content)
    person, organisation, unknown = content["creators"]
    assert (person["nameType"], person["familyName"]) == ("Personal", "Pérez de los Heros")
    assert person["nameIdentifiers"][0]["nameIdentifier"] == "https://orcid.org/0000-0002-1825-0097"
    assert person["affiliation"][0]["affiliationIdentifier"] == "https://ror.org/02feahw73"
    assert organisation["nameType"] == "Organizational"
    assert unknown == {"name": "Albert et al."}
    assert [item["contributorType"] for item in content["contributors"]] == ["DataCurator", "Other"]
    assert content["fundingReferences"][0] == {
        "funderName": "European Commission",
        "funderIdentifier": "https://doi.org/10.13039/501100000780",
        "funderIdentifierType": "Crossref Funder ID",
        "awardNumber": "739560",
        "awardUri": "https://cordis.europa.eu/project/id/739560",
        "awardTitle": "KM3NeT 2.0",
    }
    assert content["fundingReferences"][1]["funderIdentifierType"] == "ROR"
    assert content["descriptions"][0]["description"] == DESCRIPTION


def test_datacite_as_xml_says_the_same(web: Client, record: Version) -> None:
    root = ET.fromstring(web.get("/records/cnt24_01/datacite.xml").content)  # noqa: S314
    assert root.findtext(f"{SPACE}titles/{SPACE}title") == TITLE
    assert root.findtext(f"{SPACE}descriptions/{SPACE}description") == DESCRIPTION
    names = [item.text for item in root.iter(f"{SPACE}creatorName")]
    assert names == [item["name"] for item in as_json(web, "datacite.json")["creators"]]
    assert [item.text for item in root.iter(f"{SPACE}awardNumber")] == ["739560"]
    schema = root.get("{http://www.w3.org/2001/XMLSchema-instance}schemaLocation")
    assert schema
    assert "kernel-4.6" in schema


def test_missing_metadata_are_not_invented(web: Client, bare: Version) -> None:
    content = as_json(web, "datacite.json")
    schema45.validator.validate(content)
    assert content["creators"] == [{"name": ":unav"}]
    kept = {"descriptions", "rightsList", "relatedIdentifiers", "fundingReferences", "language"}
    assert not kept & set(content)
    linked = as_json(web, "jsonld")
    assert not {"creator", "license", "description", "temporalCoverage"} & set(linked)
    assert "author" not in as_bibtex(bare)
    entry = rispy.loads(web.get("/records/cnt24_01/ris").content.decode())[0]
    assert not {"authors", "first_authors", "abstract"} & set(entry)
    assert citation.text(bare).startswith("Counts of ORCA6, version 1.0 (20")
    csl = as_json(web, "csl.json")
    assert not {"author", "abstract", "DOI"} & set(csl)
    query = "verb=GetRecord&metadataPrefix=oai_dc&identifier=oai:opendata.km3net:cnt24_01"
    answer = web.get(f"/oai?{query}")
    for name in ("creator", "language", "rights", "description", "contributor"):
        assert f"dc:{name}>" not in answer.content.decode()
    for name in ("datacite.json", "jsonld", "bib", "ris", "ro-crate", "csl.json"):
        said = web.get(f"/records/cnt24_01/{name}").content.decode()
        assert "KM3NeT Collaboration" not in said


def test_a_paper_keeps_its_own_publisher(web: Client, curator: User, reviewer: User) -> None:
    def paper(identifier: str, **more: Any) -> Version:
        said = draft(ktype="km3.resource.paper", doi="10.3847/2041-8213/aad8c0", **more)
        version = publishing.create(NewRecord(identifier=identifier), Draft(**said), curator)
        return publishing.approve(publishing.submit(version, curator), reviewer)

    unknown = paper("p_01")
    assert not {"year", "publisher"} & set(as_bibtex(unknown))
    content = citation.datacite(unknown)
    schema45.validator.validate(content)
    assert "doi" not in content
    assert {
        "relatedIdentifier": "10.3847/2041-8213/aad8c0",
        "relatedIdentifierType": "DOI",
        "relationType": "IsMetadataFor",
    } in content["relatedIdentifiers"]
    # Albert et al., ApJL 863, L30.
    known = paper("p_02", publisher="American Astronomical Society", issued="2018-08")
    assert (as_bibtex(known)["year"], as_bibtex(known)["month"]) == ("2018", "8")
    content = citation.datacite(known)
    schema45.validator.validate(content)
    assert (content["doi"], content["publicationYear"]) == ("10.3847/2041-8213/aad8c0", "2018")
    assert content["publisher"] == {"name": "American Astronomical Society"}
    assert citation.jsonld(known)["datePublished"] == "2018-08"
    assert "(2018)" in citation.text(known)


def test_the_portal_is_named_as_the_publisher(record: Version) -> None:
    own = settings.CONFIGURATION.model_copy(update={"title": "Data of Elsewhere"})
    with override_settings(CONFIGURATION=own):
        assert citation.datacite(record)["publisher"] == {"name": "Data of Elsewhere"}
        assert "publisher = {Data of Elsewhere}" in citation.bibtex(record)


@pytest.mark.parametrize(
    ("text", "spdx", "url"),
    [
        ("CC-BY-4.0", "CC-BY-4.0", "https://creativecommons.org/licenses/by/4.0/"),
        ("cc-by-4.0", "CC-BY-4.0", "https://creativecommons.org/licenses/by/4.0/"),
        ("GPL-3.0-only", "GPL-3.0-only", "https://spdx.org/licenses/GPL-3.0-only.html"),
        ("MIT OR Apache-2.0", "MIT OR Apache-2.0", None),
        ("Creative Commons 4.0 International", None, None),
        ("proprietary", None, None),
        (
            "https://creativecommons.org/licenses/by/4.0/legalcode",
            "CC-BY-4.0",
            "https://creativecommons.org/licenses/by/4.0/legalcode",
        ),
        ("https://example.org/terms", None, "https://example.org/terms"),
    ],
)
def test_a_licence_leads_to_a_page_only_if_there_is_one(
    text: str, spdx: str | None, url: str | None
) -> None:
    found = licence(text)
    assert found is not None
    assert (found.text, found.spdx, found.url) == (text, spdx, url)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://doi.org/10.3847/2041-8213/aad8c0", [("DOI", "10.3847/2041-8213/aad8c0")]),
        ("doi:10.3847/2041-8213/aad8c0", [("DOI", "10.3847/2041-8213/aad8c0")]),
        ("arXiv:2309.03007", [("arXiv", "arXiv:2309.03007")]),
        ("https://arxiv.org/abs/2309.03007", [("arXiv", "arXiv:2309.03007")]),
        ("https://www.km3net.org/", [("URL", "https://www.km3net.org/")]),
        (
            "https://www.km3net.org/; 10.3847/2041-8213/aad8c0",
            [("URL", "https://www.km3net.org/"), ("DOI", "10.3847/2041-8213/aad8c0")],
        ),
        ("Albert et al. 2018, ApJL 863, L30", [(None, "Albert et al. 2018, ApJL 863, L30")]),
    ],
)
def test_each_reference_is_exported_with_its_kind(
    text: str, found: list[tuple[str | None, str]]
) -> None:
    version = Version(record=Record(), metadata={"header": {"reference": text}})
    assert [(item.scheme, item.name) for item in references(version)] == found


def test_subjects_fit_the_content_and_the_instrument(
    web: Client, curator: User, reviewer: User
) -> None:
    def subjects(version: Version) -> list[str]:
        return [item["subject"] for item in citation.datacite(version)["subjects"]]

    group = publishing.create(
        NewRecord(identifier="g_01", kind="collection"),
        Draft(**draft(ktype="km3.collection")),
        curator,
    )
    publishing.approve(publishing.submit(group, curator), reviewer)
    version = publishing.create(
        NewRecord(identifier="s_01", parent="g_01"),
        Draft(**draft(ktype="km3.env.acoustic.wav")),
        curator,
    )
    publishing.add_file(version, "sound.txt", [b"1"], curator)
    publishing.approve(publishing.submit(version, curator), reviewer)
    assert subjects(version) == ["ocean acoustics", "underwater sound", "sound (wav)", "ORCA6"]
    assert subjects(group) == ["ocean acoustics", "underwater sound", "ORCA6"]
    said = published(curator, reviewer, "n_01", subjects=[{"term": "Neutrino oscillations"}])
    assert subjects(said) == ["Neutrino oscillations", "ORCA6"]
    assert citation.datacite(said)["subjects"][0]["valueUri"].endswith("/uat/1104")


@pytest.mark.parametrize(
    ("start", "stop"), [("2007-02-07", ""), ("", "2018-01-01"), ("2007-02-07", "2018-01-01")]
)
def test_an_unknown_end_of_the_measurement_stays_open(
    web: Client, curator: User, reviewer: User, start: str, stop: str
) -> None:
    times = {"measurement_start": start, "measurement_stop": stop}
    header = HEADER | {key: text for key, text in times.items() if text}
    version = published(curator, reviewer, metadata={"header": header})
    dates = {item["dateType"]: item["date"] for item in citation.datacite(version)["dates"]}
    assert dates["Collected"] == f"{start}/{stop}"
    assert dates["Created"] == "2024-01-01"
    assert citation.jsonld(version)["temporalCoverage"] == f"{start or '..'}/{stop or '..'}"
    schema45.validator.validate(citation.datacite(version))
    assert "None" not in web.get("/records/cnt24_01/").content.decode()


def test_files_of_the_same_size_are_both_listed(curator: User) -> None:
    version = publishing.create(NewRecord(identifier="x_01"), Draft(**draft()), curator)
    for name in ("a.txt", "b.txt"):
        publishing.add_file(version, name, [b"1"], curator)
    content = citation.datacite(version)
    schema45.validator.validate(content)
    assert content["sizes"] == ["a.txt: 1 bytes", "b.txt: 1 bytes"]


@pytest.mark.parametrize(
    ("created", "told"),
    [("2020-10-01T00:00:00", "2020-10-01"), ("2020", "2020"), ("2020-02-30", None), ("soon", None)],
)
def test_a_valid_date_of_creation_is_exported(
    database: None, created: str, told: str | None
) -> None:
    record = Record.objects.create(identifier="c_01")
    version = Version(record=record, number=1, metadata={"header": {"created": created}})
    version.save()
    dates = {item["dateType"]: item["date"] for item in citation.datacite(version).get("dates", [])}
    assert dates.get("Created") == told


@pytest.mark.parametrize(
    "text",
    ["10.5072/a<b", "doi:10.5072/a<b", "https://doi.org/10.5072/a%3Cb", "dx.doi.org/10.5072/a<b"],
)
def test_every_notation_of_a_doi_is_accepted(text: str) -> None:
    assert Draft(**draft(doi=text)).doi == "10.5072/a<b"


@pytest.mark.parametrize(
    "words",
    ["Heros", "0000-0002-1825-0097", "CNRS", "European Commission", "739560", "neutrino astronomy"],
)
def test_records_are_found_by_people_funders_and_subjects(
    web: Client, record: Version, words: str
) -> None:
    assert web.get("/api/v1/search/", {"q": words}).json()["count"] == 1


def test_simulated_data_have_no_collection_date(curator: User, reviewer: User) -> None:
    times = {"measurement_start": "2019-09-17", "measurement_stop": "2019-09-24"}
    more = {"title": "SIMULATED counts", "simulated": True}
    version = published(curator, reviewer, metadata={"header": HEADER | times}, **more)
    content = citation.datacite(version)
    schema45.validator.validate(content)
    dates = {item["dateType"]: item["date"] for item in content["dates"]}
    assert "Collected" not in dates
    assert dates["Other"] == "2019-09-17/2019-09-24"
    assert "simulated data" in [item["subject"] for item in content["subjects"]]


def test_generated_data_have_no_date_of_the_real_ones(database: None) -> None:
    made = [generation.antares_events(5), generation.orca_week(5)]
    headers = [dataset.annotation.header for dataset in made]
    headers.append(generation.acceptance()[0].header)
    assert [header.created for header in headers] == [None] * 3
