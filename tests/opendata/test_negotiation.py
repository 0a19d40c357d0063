"""Content negotiation: the examples of RFC 9110, and what real clients send."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest
from django.test import Client

from opendata.accounts.models import User
from opendata.api.negotiation import choose
from opendata.portal.representations import OFFERS
from opendata.records import publishing

from .records import draft, published

PAGE = "text/html"
CHROMIUM = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;"
    "q=0.8,application/signed-exchange;v=b3;q=0.7"
)


@pytest.fixture
def record(curator: User, reviewer: User) -> None:
    published(curator, reviewer, doi="10.5072/FK2/TEST")


@pytest.mark.parametrize(
    ("header", "offers", "right"),
    [
        # RFC 9110, 12.5.1: "audio/basic is preferred", and else any audio at q=0.2.
        ("audio/*; q=0.2, audio/basic", ["audio/mpeg", "audio/basic"], "audio/basic"),
        (
            "text/plain; q=0.5, text/html, text/x-dvi; q=0.8, text/x-c",
            ["text/plain", "text/x-dvi", "text/html"],
            "text/html",
        ),
        # The table of the section: text/html;level=3 has 0.7, text/html;level=1 has 1.
        (
            "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, "
            "text/plain;format=fixed;q=0.4, */*;q=0.5",
            ["text/html", "text/plain", "image/jpeg"],
            "text/plain",
        ),
        ("text/*;q=0.3, text/plain;q=0.7, */*;q=0.5", ["text/html", "image/jpeg"], "image/jpeg"),
        ("text/*;q=0.3, */*;q=0.1", ["image/jpeg", "text/html"], "text/html"),
        ("*/*;q=0.1, text/html;q=0", ["text/html", "image/jpeg"], "image/jpeg"),
        ("text/html;q=0", ["text/html"], None),
        ("*/*;q=0", ["text/html"], None),
        ("image/png", ["text/html"], None),
        ("TEXT/HTML", ["a/b", "text/html"], "text/html"),
        (" text/html ; q=0.5 ,a/b;q=0.500", ["text/html", "a/b"], "text/html"),
        # What is named counts more than what a wildcard covers.
        ("a/b, */*", ["text/html", "a/b"], "a/b"),
        ("a/*, */*", ["text/html", "a/b"], "a/b"),
        # Without a header, or without any sense in it.
        (None, ["text/html", "a/b"], "text/html"),
        ("", ["text/html", "a/b"], "text/html"),
        (", ,", ["text/html", "a/b"], "text/html"),
        ("nonsense", ["text/html", "a/b"], "text/html"),
        ("text/html;q=2", ["text/html", "a/b"], "text/html"),
        # Java's URLConnection, with two elements that the grammar does not have.
        ("a/b, text/html;q=.2, *; q=.2", ["text/html", "a/b"], "a/b"),
        # Parameters: those that we do not have, a character set, a refused variant.
        ('a/b;profile="http://x/#y, z"', ["text/html", "a/b"], "a/b"),
        ("a/b;profile=x;q=0, a/b;q=0.2", ["text/html", "a/b"], "a/b"),
        ("text/html;level=1;q=0", ["text/html", "a/b"], "text/html"),
        ("text/html;level=1;q=0.1, a/b;q=0.5", ["text/html", "a/b"], "a/b"),
        ("text/html;charset=UTF-8", ["a/b", "text/html"], "text/html"),
        ("text/html;charset=iso-8859-1", ["text/html"], None),
        ('a/b;p="X"', ["a/b", 'a/b;p="X"'], 'a/b;p="X"'),
        ("a/b; p=X", ["a/b", 'a/b;p="X"'], 'a/b;p="X"'),
        ("a/b", ['a/b;p="X"', "a/b"], "a/b"),
        # A string without an end takes all that follows.
        ('a/b, text/html;x="a, */*', ["text/html", "a/b"], "a/b"),
        ('a/b;x="' + '\\"' * 30_000, ["text/html", "a/b"], "text/html"),
    ],
)
def test_the_best_offer_of_all_ranges_counts(
    header: str | None, offers: list[str], right: str | None
) -> None:
    assert choose(header, offers) == right


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (CHROMIUM, PAGE),
        ("*/*", PAGE),
        # Axios; a script that asks for JSON.
        ("application/json, text/plain, */*", "application/json"),
        # F-UJI and other FAIR checkers.
        ("application/vnd.schemaorg.ld+json, application/ld+json", "application/ld+json"),
        ("application/ld+json, application/json;q=0.9, text/turtle", "application/ld+json"),
        ('application/ld+json;profile="http://schema.org"', "application/ld+json"),
        ('application/ld+json; profile="https://w3id.org/ro/crate"', "application/ld+json"),
        ("application/linkset+json", "application/linkset+json"),
        ("application/linkset", "application/linkset"),
        # DOI clients: citation.crosscite.org, Zotero, doi2bib.
        ("application/vnd.datacite.datacite+json", "application/vnd.datacite.datacite+json"),
        (
            "application/vnd.datacite.datacite+json, application/x-crosscite+json;q=0.9",
            "application/vnd.datacite.datacite+json",
        ),
        (
            "application/rdf+xml;q=0.5, application/vnd.citationstyles.csl+json;q=1.0",
            "application/vnd.citationstyles.csl+json",
        ),
        ("text/x-bibliography; style=apa; locale=en-US", "text/x-bibliography"),
        ("text/html;q=0.5, application/ld+json", "application/ld+json"),
        ("application/x-unknown, application/x-bibtex", "application/x-bibtex"),
        ("text/html;q=0, application/ld+json", "application/ld+json"),
        ("text/html;q=0, */*", "application/ld+json"),
        ("application/*", "application/ld+json"),
        ("application/x-research-info-systems;q=0.2", "application/x-research-info-systems"),
    ],
)
def test_a_record_and_its_version_answer_what_clients_ask_for(
    web: Client, record: None, accept: str, kind: str
) -> None:
    for path in ("/records/cnt24_01/", "/records/cnt24_01/versions/1.0/"):
        answer = web.get(path, headers={"Accept": accept})
        assert answer.status_code == 200
        assert answer["Content-Type"].split(";")[0] == kind
        assert "Accept" in answer["Vary"]
        assert 'rel="linkset"' in answer["Link"]
        if kind.endswith("json"):
            json.loads(answer.content)


@pytest.mark.parametrize("media_type", OFFERS)
def test_each_offer_is_labelled_as_it_was_asked_for(
    web: Client, record: None, media_type: str
) -> None:
    answer = web.get("/records/cnt24_01/", headers={"Accept": media_type})
    assert answer["Content-Type"].startswith(media_type)
    assert answer.content
    if "xml" in media_type:
        ET.fromstring(answer.content)  # noqa: S314


@pytest.mark.parametrize(
    "path",
    ["/records/cnt24_01/", "/records/cnt24_01/versions/1.0/", "/search", "/alerts/", "/api/v1/"],
)
def test_where_nothing_fits_the_answer_lists_what_there_is(
    web: Client, record: None, path: str
) -> None:
    answer = web.get(path, headers={"Accept": "image/png"})
    assert answer.status_code == 406
    assert "application/json" in answer.json()["available"]
    assert "Accept" in answer["Vary"]


def test_other_addresses_negotiate_by_the_same_rules(web: Client, record: None) -> None:
    def kind(path: str, accept: str) -> str:
        answer = web.get(path, headers={"Accept": accept})
        assert "Accept" in answer["Vary"]
        assert answer.status_code == 200, path
        return str(answer["Content-Type"]).partition(";")[0]

    assert kind("/search?q=counts", "text/html;q=0.5, application/json") == "application/json"
    assert kind("/search?q=counts", CHROMIUM) == PAGE
    assert kind("/alerts/", "application/atom+xml") == "application/atom+xml"
    assert kind("/alerts/", "application/json, */*;q=0.1") == "application/json"
    assert kind("/alerts/", CHROMIUM) == PAGE
    assert kind("/api/v1/records/", "text/html, application/json;q=0.2") == "application/json"
    assert kind("/api/schema/", "application/vnd.oai.openapi+json") == (
        "application/vnd.oai.openapi+json"
    )
    assert kind("/api/docs/", CHROMIUM) == PAGE


@pytest.mark.parametrize(
    "path", ["/catalog.json", "/records/cnt24_01/bib", "/storage/cnt24_01/1.0/counts.ecsv", "/oai"]
)
def test_an_address_of_one_format_does_not_look_at_accept(
    web: Client, record: None, path: str
) -> None:
    assert web.get(path, headers={"Accept": "image/png"}).status_code == 200


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (CHROMIUM, PAGE),
        ("application/json", "application/json"),
        ("application/ld+json", "application/json"),
    ],
)
def test_missing_objects_are_reported_in_the_clients_format(
    web: Client, accept: str, kind: str
) -> None:
    answer = web.get("/records/nothing/", headers={"Accept": accept})
    assert answer.status_code == 404
    assert answer["Content-Type"].partition(";")[0] == kind
    assert b"There is no record nothing" in answer.content


def test_metadata_of_a_withdrawn_record_come_with_410(
    web: Client, curator: User, reviewer: User
) -> None:
    publishing.withdraw(published(curator, reviewer), reviewer, "Wrong.")
    answer = web.get("/records/cnt24_01/", headers={"Accept": "application/ld+json"})
    assert answer.status_code == 410
    assert answer.json()["name"] == "Counts of ORCA6"


def test_links_of_an_older_version_lead_to_its_own_files_and_metadata(
    web: Client, curator: User, reviewer: User
) -> None:
    first = published(curator, reviewer, doi="10.5072/FK2/OLD")
    second = publishing.next_version(first.record, curator, "new")
    publishing.change(
        second, publishing.Draft(**draft(label="2.0", doi="10.5072/FK2/NEW")), curator
    )
    publishing.submit(second, curator)
    publishing.approve(second, reviewer)
    old = web.get("/records/cnt24_01/versions/1.0/")["Link"]
    assert "/storage/cnt24_01/1.0/counts.ecsv" in old
    assert "/storage/cnt24_01/2.0/" not in old
    assert '<https://doi.org/10.5072/FK2/OLD>; rel="cite-as"' in old
    assert 'rel="latest-version"' in old
    path = "/records/cnt24_01/versions/1.0/datacite.json"
    assert f'{path}>; rel="describedby"' in old
    assert web.get(path).json()["doi"] == "10.5072/FK2/OLD"
    assert web.get("/records/cnt24_01/datacite.json").json()["doi"] == "10.5072/FK2/NEW"
    assert web.get("/records/cnt24_01/versions/3.0/datacite.json").status_code == 404


def test_csl_names_the_collaboration_in_one_piece(
    web: Client, curator: User, reviewer: User
) -> None:
    people = [
        {"kind": "person", "family": "Doe", "given": "Jane"},
        {"kind": "organisation", "name": "KM3NeT Collaboration"},
    ]
    published(curator, reviewer, doi="10.5072/FK2/TEST", creators=people)
    item = web.get("/records/cnt24_01/csl.json").json()
    assert item["author"] == [
        {"family": "Doe", "given": "Jane"},
        {"literal": "KM3NeT Collaboration"},
    ]
    assert (item["type"], item["DOI"]) == ("dataset", "10.5072/FK2/TEST")
    assert len(item["issued"]["date-parts"][0]) == 3
