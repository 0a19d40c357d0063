"""Records in the formats of libraries and reference managers, read back by their own readers."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET

import bibtexparser
import pytest
import rispy
from bibtexparser import middlewares
from datacite import schema45
from django.conf import settings
from django.test import Client, override_settings
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pylatexenc.latex2text import LatexNodes2Text
from rocrate.rocrate import ROCrate

from opendata.accounts.models import User
from opendata.exports import citation
from opendata.exports.licences import licence
from opendata.exports.publication import references
from opendata.importers import generation
from opendata.records import publishing
from opendata.records.models import Record, Version
from opendata.records.publishing import Draft, NewRecord

from .records import HEADER, draft, published

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


@pytest.fixture
def record(curator: User, reviewer: User) -> Version:
    more = {"title": TITLE, "description": DESCRIPTION, "doi": "10.5072/FK2/(A)<B>"}
    return published(curator, reviewer, creators=CREATORS, funding=FUNDING, **more)


@pytest.fixture
def bare(curator: User, reviewer: User) -> Version:
    """A record that says as little as one can."""
    return published(curator, reviewer, description="", metadata={}, ktype="km3.resource")


def _json(web: Client, name: str) -> Any:
    return web.get(f"/records/cnt24_01/{name}").json()


def _bibtex(version: Version) -> dict[str, str]:
    library = bibtexparser.parse_string(
        citation.bibtex(version),
        append_middleware=[middlewares.SeparateCoAuthors(), middlewares.SplitNameParts()],
    )
    assert not library.failed_blocks
    return {field.key: field.value for field in library.entries[0].fields}


#: What LaTeX prints for characters of ASCII that it has no other way to print.
_PRINTED = str.maketrans({"\u02c6": "^", "\u201d": '"'})


def _plain(text: str) -> str:
    reader = LatexNodes2Text(keep_comments=True, strict_latex_spaces=True)
    return str(reader.latex_to_text(text)).translate(_PRINTED)


def test_datacite_says_who_where_and_by_which_award(web: Client, record: Version) -> None:
    content = _json(web, "datacite.json")
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
    assert names == [item["name"] for item in _json(web, "datacite.json")["creators"]]
    assert [item.text for item in root.iter(f"{SPACE}awardNumber")] == ["739560"]
    schema = root.get("{http://www.w3.org/2001/XMLSchema-instance}schemaLocation")
    assert schema
    assert "kernel-4.6" in schema


def test_what_nobody_said_is_nowhere_made_up(web: Client, bare: Version) -> None:
    content = _json(web, "datacite.json")
    schema45.validator.validate(content)
    assert content["creators"] == [{"name": ":unav"}]
    kept = {"descriptions", "rightsList", "relatedIdentifiers", "fundingReferences", "language"}
    assert not kept & set(content)
    linked = _json(web, "jsonld")
    assert not {"creator", "license", "description", "temporalCoverage"} & set(linked)
    assert "author" not in _bibtex(bare)
    entry = rispy.loads(web.get("/records/cnt24_01/ris").content.decode())[0]
    assert not {"authors", "first_authors", "abstract"} & set(entry)
    assert citation.text(bare).startswith("Counts of ORCA6, version 1.0 (20")
    csl = _json(web, "csl.json")
    assert not {"author", "abstract", "DOI"} & set(csl)
    query = "verb=GetRecord&metadataPrefix=oai_dc&identifier=oai:opendata.km3net:cnt24_01"
    answer = web.get(f"/oai?{query}")
    for name in ("creator", "language", "rights", "description", "contributor"):
        assert f"dc:{name}>" not in answer.content.decode()
    for name in ("datacite.json", "jsonld", "bib", "ris", "ro-crate", "csl.json"):
        said = web.get(f"/records/cnt24_01/{name}").content.decode()
        assert "KM3NeT Collaboration" not in said


def test_a_paper_is_not_published_by_the_portal(web: Client, curator: User, reviewer: User) -> None:
    def paper(identifier: str, **more: Any) -> Version:
        said = draft(ktype="km3.resource.paper", doi="10.3847/2041-8213/aad8c0", **more)
        version = publishing.create(NewRecord(identifier=identifier), Draft(**said), curator)
        return publishing.approve(publishing.submit(version, curator), reviewer)

    unknown = paper("p_01")
    assert not {"year", "publisher"} & set(_bibtex(unknown))
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
    assert (_bibtex(known)["year"], _bibtex(known)["month"]) == ("2018", "8")
    content = citation.datacite(known)
    schema45.validator.validate(content)
    assert (content["doi"], content["publicationYear"]) == ("10.3847/2041-8213/aad8c0", "2018")
    assert content["publisher"] == {"name": "American Astronomical Society"}
    assert citation.jsonld(known)["datePublished"] == "2018-08"
    assert "(2018)" in citation.text(known)


def test_the_publisher_is_the_portal_by_its_own_name(record: Version) -> None:
    own = settings.CONFIGURATION.model_copy(update={"title": "Data of Elsewhere"})
    with override_settings(CONFIGURATION=own):
        assert citation.datacite(record)["publisher"] == {"name": "Data of Elsewhere"}
        assert "publisher = {Data of Elsewhere}" in citation.bibtex(record)


def test_bibtex_takes_apart_people_only_and_keeps_every_character(record: Version) -> None:
    fields: dict[str, Any] = _bibtex(record)
    assert citation.bibtex(record).count("{") == citation.bibtex(record).count("}")
    person, organisation, unknown = fields["author"]
    assert _plain(" ".join(person.von + person.last)) == "Pérez de los Heros"
    assert person.first == ["Carlos"]
    assert _plain(organisation.last[0].strip("{}")) == "Smith and Sons, Inc. & R{D"
    assert _plain(unknown.last[0].strip("{}")) == "Albert et al."
    assert _plain(fields["title"].removeprefix("{").removesuffix("}")) == TITLE
    assert _plain(fields["abstract"]) == " ".join(DESCRIPTION.split())
    assert fields["doi"] == "10.5072/FK2/(A)<B>"
    assert fields["url"] == "https://doi.org/10.5072/FK2/(A)%3CB%3E"


def test_bibtex_keeps_names_whose_letters_or_words_mean_something_else_to_it(
    curator: User, reviewer: User
) -> None:
    # LaTeX's mathematics has no capital chi: it was "{X}", a Latin letter.
    names = [("Χατζής", "Ελένη"), ("Иванов", "Пётр"), ("And", "B."), ("Sukarno", "")]
    creators = [{"kind": "person", "family": last, "given": first} for last, first in names]
    record = published(curator, reviewer, creators=creators, title="Limits on θ of Σείριος")
    fields: dict[str, Any] = _bibtex(record)
    found = [(person.last[0].strip("{}"), " ".join(person.first)) for person in fields["author"]]
    assert found == names
    assert fields["title"] == r"{Limits on {\ensuremath{\theta}} of Σείριος}"


_LETTERS = st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cn", "Zl", "Zp"])


@given(st.text(_LETTERS | st.sampled_from("\\{}$%&#_^~'\""), max_size=40))
@hypothesis_settings(deadline=None)
def test_no_text_breaks_bibtex(text: str) -> None:
    written = citation._tex(text)
    entry = f"@misc{{key,\n  title = {{{written}}}\n}}\n"
    library = bibtexparser.parse_string(entry)
    assert not library.failed_blocks
    assert library.entries[0].fields_dict["title"].value == written


def test_ris_is_read_with_each_author_and_the_abstract(web: Client, record: Version) -> None:
    entry = rispy.loads(web.get("/records/cnt24_01/ris").content.decode())[0]
    assert entry["authors"] == [item["name"] for item in record.creators]
    assert entry["title"] == TITLE
    assert entry["abstract"] == " ".join(DESCRIPTION.split())
    assert entry["year"] == str(record.published_at)[:4]
    assert "Neutrino astronomy" in entry["keywords"]


def test_schema_org_links_people_organisations_and_grants(web: Client, record: Version) -> None:
    content = _json(web, "jsonld")
    person, organisation, unknown = content["creator"]
    assert (person["@type"], person["@id"]) == ("Person", "https://orcid.org/0000-0002-1825-0097")
    assert person["name"] == "Carlos Pérez de los Heros"
    assert person["affiliation"][0]["@id"] == "https://ror.org/02feahw73"
    assert (organisation["@type"], unknown["@type"]) == ("Organization", "Thing")
    assert content["contributor"][0]["roleName"] == "Data curation"
    assert content["funding"][0]["funder"]["@id"] == "https://doi.org/10.13039/501100000780"
    assert content["funding"][0]["identifier"] == "739560"
    assert content["description"] == DESCRIPTION
    assert content["license"] == "https://creativecommons.org/licenses/by/4.0/"


def test_ro_crate_is_read_by_its_own_library(web: Client, record: Version, tmp_path: Any) -> None:
    content = _json(web, "ro-crate")
    (tmp_path / "ro-crate-metadata.json").write_text(json.dumps(content), "utf-8")
    crate = ROCrate(tmp_path)
    assert crate.name == TITLE
    assert crate.description == DESCRIPTION
    authors = crate.root_dataset["author"]
    assert [author.type for author in authors] == ["Person", "Organization", "Thing"]
    assert authors[0]["affiliation"][0].id == "https://ror.org/02feahw73"
    funders = [item["name"] for item in crate.root_dataset["funder"]]
    assert funders == [item["funder"] for item in FUNDING]
    assert crate.root_dataset["funding"][0]["funder"]["name"] == "European Commission"
    identifiers = [node["@id"] for node in content["@graph"]]
    assert len(identifiers) == len(set(identifiers))
    assert [item["name"] for item in crate.root_dataset["hasPart"]] == ["counts.ecsv"]
    assert _json(web, "ro-crate-metadata.json") == content


def test_ro_crate_keeps_each_name_and_award_of_one_address(
    web: Client, curator: User, reviewer: User, tmp_path: Any
) -> None:
    departments = ["University, Physics", "University, Computing", "University, Physics"]
    creators = [
        {
            "kind": "person",
            "family": f"Doe{number}",
            "affiliations": [{"name": name, "ror": "02feahw73"}],
            "roles": ["Software"],
        }
        for number, name in enumerate(departments)
    ]
    page = {"award_uri": "https://example.org/programme", "funder": "Agency"}
    funding = [page | {"award_number": number} for number in ("A1", "B2")]
    published(curator, reviewer, creators=creators, funding=funding)
    content = _json(web, "ro-crate")
    (tmp_path / "ro-crate-metadata.json").write_text(json.dumps(content), "utf-8")
    root = ROCrate(tmp_path).root_dataset
    places = [author["affiliation"][0] for author in root["author"]]
    assert [place["name"] for place in places] == departments
    ror = "https://ror.org/02feahw73"
    assert places[0].id == places[2].id == places[1]["identifier"] == ror
    assert [award["identifier"] for award in root["funding"]] == ["A1", "B2"]
    assert {award["url"] for award in root["funding"]} == {page["award_uri"]}
    assert [role["contributor"]["name"] for role in root["contributor"]] == ["Doe0", "Doe1", "Doe2"]


def test_harvesters_get_each_creator_subject_and_the_text_as_written(
    web: Client, record: Version
) -> None:
    query = "verb=GetRecord&identifier=oai:opendata.km3net:cnt24_01&metadataPrefix="
    root = ET.fromstring(web.get(f"/oai?{query}oai_dc").content)  # noqa: S314
    dc = "{http://purl.org/dc/elements/1.1/}"
    assert [item.text for item in root.iter(f"{dc}creator")] == [
        item["name"] for item in record.creators
    ]
    assert next(root.iter(f"{dc}description")).text == DESCRIPTION
    root = ET.fromstring(web.get(f"/oai?{query}oai_datacite").content)  # noqa: S314
    assert next(root.iter(f"{SPACE}awardTitle")).text == "KM3NeT 2.0"


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
def test_references_are_told_as_what_they_are(
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


def test_files_of_the_same_size_are_both_told(curator: User) -> None:
    version = publishing.create(NewRecord(identifier="x_01"), Draft(**draft()), curator)
    for name in ("a.txt", "b.txt"):
        publishing.add_file(version, name, [b"1"], curator)
    content = citation.datacite(version)
    schema45.validator.validate(content)
    assert content["sizes"] == ["a.txt: 1 bytes", "b.txt: 1 bytes"]


def test_harvesters_hear_of_a_withdrawal_after_their_last_visit(
    web: Client, curator: User, reviewer: User
) -> None:
    version = published(curator, reviewer)
    Version.objects.filter(pk=version.pk).update(published_at="2020-01-01T00:00:00Z")
    version.refresh_from_db()
    version.record.reindex()
    query = "/oai?verb=ListIdentifiers&metadataPrefix=oai_dc&from=2021-01-01"
    assert b"noRecordsMatch" in web.get(query).content
    publishing.withdraw(version, reviewer, "Wrong calibration.")
    answer = web.get(query).content.decode()
    assert 'status="deleted"' in answer
    assert f"<datestamp>{timezone.now():%Y}" in answer
    identity = web.get("/oai?verb=Identify").content.decode()
    assert "@opendata.invalid" in identity


def test_signposts_lead_to_the_authors(web: Client, record: Version) -> None:
    header = web.get("/records/cnt24_01/")["Link"]
    assert '<https://orcid.org/0000-0002-1825-0097>; rel="author"' in header
    assert '<https://ror.org/05dxps055>; rel="author"' in header


@pytest.mark.parametrize(
    ("created", "told"),
    [("2020-10-01T00:00:00", "2020-10-01"), ("2020", "2020"), ("2020-02-30", None), ("soon", None)],
)
def test_a_date_of_creation_is_told_if_it_is_one(
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
def test_a_doi_is_taken_in_each_way_of_writing(text: str) -> None:
    assert Draft(**draft(doi=text)).doi == "10.5072/a<b"


@pytest.mark.parametrize(
    "words",
    ["Heros", "0000-0002-1825-0097", "CNRS", "European Commission", "739560", "neutrino astronomy"],
)
def test_records_are_found_by_people_funders_and_subjects(
    web: Client, record: Version, words: str
) -> None:
    assert web.get("/api/v1/search/", {"q": words}).json()["count"] == 1


def test_of_simulated_data_nothing_says_that_they_were_collected(
    curator: User, reviewer: User
) -> None:
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
