from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from django.test import Client

from opendata.accounts.models import User
from opendata.exports.oai.documents import VERBS
from opendata.records import publishing

from .records import ECSV, published

OAI = "{http://www.openarchives.org/OAI/2.0/}"


@pytest.fixture
def record(curator: User, reviewer: User) -> None:
    published(curator, reviewer, doi="10.5072/FK2/TEST")


def test_search_finds_words_and_counts_facets(web: Client, record: None) -> None:
    found = web.get("/api/v1/search/?q=COUNTS+orca6").json()
    assert [row["identifier"] for row in found["results"]] == ["cnt24_01"]
    assert found["facets"]["instrument"] == [{"value": "ORCA6", "label": "ORCA6", "count": 1}]
    assert web.get("/api/v1/search/?q=acoustic").json()["count"] == 0


@pytest.mark.parametrize(
    ("query", "count"),
    [("ktype=km3.data", 1), ("ktype=km3.da", 0), ("kind=collection", 0), ("license=CC-BY-4.0", 1)],
)
def test_a_facet_narrows_the_search(web: Client, record: None, query: str, count: int) -> None:
    assert web.get(f"/api/v1/records/?{query}").json()["count"] == count


@pytest.mark.parametrize(
    "query",
    [
        "kind=x",
        "t_min=yesterday",
        "page=0",
        "page=99",
        "simulated=maybe",
        "q=%00",
        "q=" + "x" * 300,
        "ordering=password",
    ],
)
def test_odd_queries_cause_no_server_error(web: Client, record: None, query: str) -> None:
    assert web.get(f"/api/v1/search/?{query}").status_code in (200, 400, 404)
    assert web.get(f"/search?{query}").status_code == 200


def test_dataverse_reads_lead_from_the_doi_to_the_bytes(web: Client, record: None) -> None:
    path = "/api/datasets/:persistentId/?persistentId=doi:10.5072/FK2/TEST"
    files = web.get(path).json()["data"]["latestVersion"]["files"]
    assert (files[0]["directoryLabel"], files[0]["dataFile"]["filename"]) == (
        "cnt24_01",
        "counts.ecsv",
    )
    content = web.get(f"/api/access/datafile/{files[0]['dataFile']['id']}").getvalue()
    assert content == ECSV
    assert web.get("/api/datasets/:persistentId/?persistentId=doi:10.1/x").status_code == 404


def test_the_openapi_document_says_that_reading_needs_no_token(web: Client) -> None:
    paths = web.get("/api/schema/?format=json").json()["paths"]
    assert {} in paths["/api/v1/records/{identifier}/"]["get"]["security"]
    assert paths["/api/v1/drafts/"]["post"]["security"] == [{"token": []}]


def test_the_openapi_document_names_every_step_of_the_way(web: Client) -> None:
    paths = web.get("/api/schema/?format=json").json()["paths"]
    assert {"/api/v1/search/", "/api/v1/drafts/", "/alerts/incoming/"} <= set(paths)


def test_signposting_leads_to_files_licence_and_metadata(web: Client, record: None) -> None:
    header = web.get("/records/cnt24_01/")["Link"]
    assert '<https://doi.org/10.5072/FK2/TEST>; rel="cite-as"' in header
    assert '/storage/cnt24_01/1.0/counts.ecsv>; rel="item"' in header
    assert 'rel="license"' in header
    linkset = web.get("/records/cnt24_01/linkset.json").json()["linkset"][0]
    assert len(linkset["describedby"]) == 6


@pytest.mark.parametrize(
    ("accept", "start"),
    [
        ("application/x-bibtex", b"@misc"),
        ("application/ld+json", b"{"),
        ("text/html", b"<!doctype html>"),
    ],
)
def test_content_negotiation(web: Client, record: None, accept: str, start: bytes) -> None:
    assert web.get("/records/cnt24_01/", headers={"Accept": accept}).content.startswith(start)


def test_a_citation_names_author_year_title_version_and_doi(web: Client, record: None) -> None:
    text = web.get("/records/cnt24_01/bib").content.decode()
    assert "title     = {{Counts of ORCA6}}" in text
    assert "doi       = {10.5072/FK2/TEST}" in text
    assert "TI  - Counts of ORCA6" in web.get("/records/cnt24_01/ris").content.decode()


def test_datacite_as_xml_and_json_say_the_same(web: Client, record: None) -> None:
    plain = web.get("/records/cnt24_01/datacite.json").json()
    root = ET.fromstring(web.get("/records/cnt24_01/datacite.xml").content)  # noqa: S314
    space = "{http://datacite.org/schema/kernel-4}"
    assert root.findtext(f"{space}identifier") == plain["doi"] == "10.5072/FK2/TEST"
    assert root.findtext(f"{space}titles/{space}title") == plain["titles"][0]["title"]
    kind = root.find(f"{space}resourceType")
    assert kind is not None
    assert kind.get("resourceTypeGeneral") == plain["types"]["resourceTypeGeneral"] == "Dataset"


def test_ro_crate_names_the_file_with_its_checksum(web: Client, record: None) -> None:
    graph = web.get("/records/cnt24_01/ro-crate").json()["@graph"]
    files = [node for node in graph if node["@type"] == "File"]
    assert files[0]["name"] == "counts.ecsv"
    assert len(files[0]["sha256"]) == 64


def _oai(web: Client, query: str) -> ET.Element:
    return ET.fromstring(web.get(f"/oai?{query}").content)  # noqa: S314


def test_oai_lists_a_record_and_later_its_deletion(
    web: Client, curator: User, reviewer: User
) -> None:
    version = published(curator, reviewer)
    for prefix in ("oai_dc", "oai_datacite"):
        root = _oai(web, f"verb=ListRecords&metadataPrefix={prefix}")
        assert "Counts of ORCA6" in "".join(root.itertext())
    publishing.withdraw(version, reviewer, "Wrong.")
    root = _oai(web, "verb=GetRecord&metadataPrefix=oai_dc&identifier=oai:opendata.km3net:cnt24_01")
    header = root.find(f".//{OAI}header")
    assert header is not None
    assert header.get("status") == "deleted"


@pytest.mark.parametrize(
    ("span", "found"),
    [
        ("from=2020-01-01", True),
        ("until=9999-12-31", True),
        ("until=9999-12-31T23:59:59Z", True),
        ("from=0001-01-01&until=9999-12-31", True),
        ("until=2020-01-01", False),
        ("from=9999-12-31T23:59:59Z", False),
    ],
)
def test_oai_lists_what_changed_in_a_span(
    web: Client, record: None, span: str, found: bool
) -> None:
    root = _oai(web, f"verb=ListRecords&metadataPrefix=oai_dc&{span}")
    assert (root.find(f"{OAI}ListRecords") is not None) == found


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "badVerb"),
        ("verb=Nothing", "badVerb"),
        ("verb=ListRecords", "badArgument"),
        ("verb=Identify&x=1", "badArgument"),
        ("verb=Identify&verb=Identify", "badArgument"),
        ("verb=GetRecord&metadataPrefix=oai_dc&identifier=x", "idDoesNotExist"),
        ("verb=ListRecords&metadataPrefix=marc", "cannotDisseminateFormat"),
        ("verb=ListRecords&resumptionToken=x", "badResumptionToken"),
        ("verb=ListRecords&metadataPrefix=oai_dc&from=yesterday", "badArgument"),
        (
            "verb=ListRecords&metadataPrefix=oai_dc&from=2020-01-01&until=2020-01-01T00:00:00Z",
            "badArgument",
        ),
        ("verb=ListRecords&metadataPrefix=oai_dc&until=1999-01-01", "noRecordsMatch"),
        ("verb=ListSets&resumptionToken=0|oai_dc|||", "badResumptionToken"),
        ("verb=ListRecords&resumptionToken=0|oai_dc||", "badResumptionToken"),
        ("verb=ListRecords&resumptionToken=0||||", "badResumptionToken"),
        ("verb=ListRecords&resumptionToken=9|oai_dc|||", "noRecordsMatch"),
    ],
)
def test_oai_errors_have_the_protocols_codes(
    web: Client, record: None, query: str, code: str
) -> None:
    error = _oai(web, query).find(f"{OAI}error")
    assert error is not None
    assert error.get("code") == code


@pytest.mark.parametrize("verb", sorted(set(VERBS) - {"GetRecord"}))
def test_oai_answers_every_verb(web: Client, record: None, verb: str) -> None:
    more = "&metadataPrefix=oai_dc" if verb in ("ListRecords", "ListIdentifiers") else ""
    assert _oai(web, f"verb={verb}{more}").find(f"{OAI}{verb}") is not None
