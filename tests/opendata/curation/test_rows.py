"""Rows of a form: authors and subjects."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from opendata.accounts.models import User
from opendata.records.models import Record, Version

from ..records import ECSV, drafted

if TYPE_CHECKING:
    pass
from .forms import AUTHORS, FIELDS, rows, rows_of, upload

pytestmark = pytest.mark.usefixtures("quick_hashes")


def test_authors_are_entered_in_rows_and_shown_again(cora: Client) -> None:
    assert cora.post("/curate/new", FIELDS | AUTHORS).status_code == 302
    version = Version.objects.get()
    assert version.authors == "Doe, Jane; Roe, Richard; KM3NeT Collaboration"
    jane = version.people[0]
    assert (jane.orcid, jane.roles) == ("0000-0002-1825-0097", ["Software"])
    assert [item.name for item in jane.affiliations] == ["CNRS", "A & B"]
    assert jane.affiliations[0].ror == "https://ror.org/02feahw73"
    assert version.grants[0].award_number == "739560"
    assert version.metadata["header"]["author"] == version.authors
    page = cora.get("/curate/drafts/cnt24_01/").content.decode()
    for text in ('value="0000-0002-1825-0097"', "CNRS | https://ror.org/02feahw73", "739560"):
        assert text in page
    page = cora.get("/curate/drafts/cnt24_01/preview").content.decode()
    assert '<a href="https://orcid.org/0000-0002-1825-0097">Jane Doe</a>' in page
    assert "credit.niso.org/contributor-roles/software/" in page
    assert "award 739560" in page


def test_rows_are_removed_and_all_of_them_too(cora: Client, curator: User) -> None:
    people = [{"kind": "person", "family": "Doe"}, {"name": "Albert et al."}]
    version = drafted(curator, creators=people)
    fields = {key: value for key, value in FIELDS.items() if key not in ("identifier", "kind")}
    typed = rows(
        creators__0__name="Doe",
        creators__0__DELETE="on",
        creators__1__name="Albert et al.",
        creators__1__kind="",
    )
    cora.post("/curate/drafts/cnt24_01/save", fields | typed)
    version.refresh_from_db()
    assert version.creators == [{"name": "Albert et al."}]
    cora.post("/curate/drafts/cnt24_01/save", fields | rows())
    version.refresh_from_db()
    assert version.creators == []
    assert "author" not in version.metadata["header"]


def test_a_list_of_authors_is_pasted(cora: Client) -> None:
    text = "Doe, Jane; Roe, Richard; KM3NeT Collaboration"
    cora.post("/curate/new", FIELDS | rows(creators__0__name="Albert") | {"author": text})
    assert Version.objects.get().authors == f"Albert; {text}"


def test_rows_are_added_without_scripts_and_the_input_is_kept(cora: Client) -> None:
    typed = FIELDS | AUTHORS | {"title": "x", "description": "  Typed\n\n at length", "more": "{"}
    answer = cora.post("/curate/new", typed | {"more_rows": "creators"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "errorlist" not in page
    assert 'name="creators-9-name"' in page
    for text in (
        "  Typed\n\n at length",
        'value="https://orcid.org/0000-0002-1825-0097"',
        "CNRS |",
    ):
        assert text in page
    assert re.search(r'value="Software"[^>]*checked', page)
    assert not Record.objects.exists()


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("creators__1__register", "0000-0002-1825-0098", "check digit is wrong"),
        ("creators__2__register", "02feahw74", "checksum is wrong"),
        ("creators__1__affiliations", "CNRS | 02feahw74", "checksum is wrong"),
        ("creators__0__register", "0000-0002-1825-0097", "have the same ORCID iD"),
        ("creators__1__name", "", ""),
        ("creators__0__ORDER", "first", "whole number"),
        ("funding__0__funder", "", "at least 1 character"),
        ("funding__0__award_uri", "javascript:alert(1)", "not a web address"),
    ],
)
def test_an_error_in_a_row_is_shown_there(cora: Client, place: str, value: str, words: str) -> None:
    answer = cora.post("/curate/new", FIELDS | AUTHORS | rows_of(place, value))
    if not words:  # a person may have one name
        assert Version.objects.get().people[0].name == "Jane"
        return
    assert answer.status_code == 400
    page = html.unescape(answer.content.decode())
    assert words in page
    assert 'value="Roe"' in page


def test_subjects_are_chosen_and_added(cora: Client) -> None:
    typed = {
        "subjects": ["Blazars", "Neutrino astronomy"],
        "keywords": "sea noise\nNeutrinos | EuroVoc | https://example.org/n\nMine | Own",
    }
    cora.post("/curate/new", FIELDS | typed)
    said = Version.objects.get().subjects
    assert [item["term"] for item in said] == [
        *typed["subjects"],
        "sea noise",
        "Neutrinos",
        "Mine",
    ]
    assert said[0]["uri"] == "http://astrothesaurus.org/uat/164"
    assert said[3] == {"term": "Neutrinos", "scheme": "EuroVoc", "uri": "https://example.org/n"}
    page = cora.get("/curate/drafts/cnt24_01/").content.decode()
    assert "sea noise\nNeutrinos | EuroVoc | https://example.org/n\nMine | Own" in page
    assert re.search(r'value="Blazars"[^>]*checked', page)


def test_a_description_is_stored_and_shown_unchanged(cora: Client) -> None:
    text = "  One <b>\r\n\r\n    two & $x_1$  &amp; \u00dc\r\n"
    cora.post("/curate/new", FIELDS | {"description": text})
    written = text.replace("\r\n", "\n")
    assert Version.objects.get().description == written
    page = cora.get("/curate/drafts/cnt24_01/preview").content.decode()
    shown = re.search(r'<p class="lead written">(.*?)</p>', page, re.DOTALL)
    assert shown
    assert html.unescape(shown[1]) == written
    page = cora.get("/curate/drafts/cnt24_01/").content.decode()
    field = re.search(r"<textarea name=.description.*?>\n(.*?)</textarea>", page, re.DOTALL)
    assert field
    assert html.unescape(field[1]) == written


def test_authors_in_a_file_do_not_replace_entered_people(cora: Client, curator: User) -> None:
    content = ECSV.replace(
        b"# schema: astropy-2.0", b"# meta: {header: {author: Me}}\n# schema: astropy-2.0"
    )
    cora.post("/curate/new", FIELDS | AUTHORS)
    upload(cora, content)
    cora.post("/curate/drafts/cnt24_01/adopt", {"file": Version.objects.get().files.get().pk})
    assert Version.objects.get().people[0].orcid == "0000-0002-1825-0097"
