"""Formats for programs: schema.org, RO-Crate, OAI-PMH and signposts."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET

from django.test import Client
from django.utils import timezone
from rocrate.rocrate import ROCrate

from opendata.accounts.models import User
from opendata.records import publishing
from opendata.records.models import Version

from ..records import published
from .described import DESCRIPTION, FUNDING, SPACE, TITLE, as_json


def test_schema_org_links_people_organisations_and_grants(web: Client, record: Version) -> None:
    content = as_json(web, "jsonld")
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
    content = as_json(web, "ro-crate")
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
    assert as_json(web, "ro-crate-metadata.json") == content


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
    content = as_json(web, "ro-crate")
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


def test_harvesters_learn_of_a_withdrawal_after_their_last_visit(
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
