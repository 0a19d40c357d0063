"""The pages of curators and reviewers, with a browser's cookies and form tokens."""

from __future__ import annotations

import html
import re
import sys
from typing import TYPE_CHECKING

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from opendata.accounts.models import User
from opendata.accounts.roles import Role
from opendata.records import publishing
from opendata.records.models import Record, State, Version
from tests import commands

from .accounts import PASSWORD, logged_in
from .records import ECSV, HEADER, drafted, published
from .running import Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.usefixtures("quick_hashes")

FIELDS = {
    "identifier": "cnt24_01",
    "kind": "resource",
    "title": "Counts of ORCA6",
    "description": "Counts in bins",
    "ktype": "km3.data.l4",
    "label": "1.0",
    "contact": HEADER["contact"],
    "instrument": "ORCA6",
    "license": "CC-BY-4.0",
    "reference": HEADER["reference"],
    "more": '{"header": {"version": "1.0", "created": "2024-01-01"}}',
}


@pytest.fixture
def cora(curator: User) -> Client:
    return logged_in(curator)


@pytest.fixture
def rene(reviewer: User) -> Client:
    return logged_in(reviewer)


def upload(web: Client, content: bytes = ECSV, name: str = "counts.ecsv") -> object:
    file = SimpleUploadedFile(name, content)
    return web.post("/curate/drafts/cnt24_01/upload", {"file": file}, follow=True)


def test_a_record_goes_from_a_form_over_a_review_to_its_page(cora: Client, rene: Client) -> None:
    assert cora.post("/curate/new", FIELDS)["Location"] == "/curate/drafts/cnt24_01/"
    assert "counts.ecsv was uploaded" in upload(cora).content.decode()
    page = cora.get("/curate/drafts/cnt24_01/").content.decode()
    assert "3 rows, 3 columns" in page
    assert "Preview." in cora.get("/curate/drafts/cnt24_01/preview").content.decode()
    answer = cora.post("/curate/drafts/cnt24_01/submit", follow=True)
    assert "was submitted for review" in answer.content.decode()
    assert "Counts of ORCA6" in rene.get("/curate/").content.decode()
    answer = rene.post("/curate/drafts/cnt24_01/publish", follow=True)
    assert "cnt24_01 1.0 is published." in answer.content.decode()
    version = Version.objects.get()
    people = (version.created_by, version.submitted_by, version.approved_by)
    assert [str(person) for person in people] == ["cora", "cora", "rené"]
    assert version.metadata["header"]["license"] == "CC-BY-4.0"
    assert Client().get("/records/cnt24_01/").status_code == 200


def test_messages_are_shown_once_and_come_from_no_address(cora: Client) -> None:
    cora.post("/curate/new", FIELDS)
    cora.post("/curate/drafts/cnt24_01/save", FIELDS)
    page = "/curate/drafts/cnt24_01/"
    assert "The draft was saved." in cora.get(page).content.decode()
    assert "The draft was saved." not in cora.get(page).content.decode()
    for path in ("/curate/", page):
        assert "Call me" not in cora.get(path, {"done": "Call me"}).content.decode()


def test_findings_are_shown_and_stay_only_with_a_reason(cora: Client, curator: User) -> None:
    times = {
        "measurement_start": "2019-10-03T06:00:00",
        "measurement_stop": "2019-09-17T06:00:00",
    }
    drafted(curator, metadata={"header": HEADER | times})
    page = cora.get("/curate/drafts/cnt24_01/").content.decode()
    assert "1 error." in page
    assert "<code>header.measurement_stop</code>" in page
    assert cora.post("/curate/drafts/cnt24_01/submit").status_code == 409
    answer = cora.post("/curate/drafts/cnt24_01/submit", {"accept_findings": "published so"})
    assert answer.status_code == 302
    assert Version.objects.get().findings_accepted == "published so"


def test_a_damaged_file_is_refused_with_its_reason_on_the_page(cora: Client) -> None:
    cora.post("/curate/new", FIELDS)
    answer = upload(cora, b"\x89HDF\r\n\x1a\n" + b"\0" * 50, "counts.h5")
    assert answer.status_code == 409
    assert 'role="alert">Counts.h5:' in answer.content.decode()
    assert cora.post("/curate/drafts/cnt24_01/upload", {}).status_code == 409
    assert not Version.objects.get().files.exists()


def test_metadata_of_a_file_are_taken_over(cora: Client) -> None:
    content = ECSV.replace(
        b"# schema: astropy-2.0",
        b"# meta: {header: {author: Me}, paraminfo: {energy: {name: Energy, unit: GeV}}}\n"
        b"# schema: astropy-2.0",
    )
    cora.post("/curate/new", FIELDS)
    assert "It contains metadata" in upload(cora, content).content.decode()
    file = Version.objects.get().files.get()
    cora.post("/curate/drafts/cnt24_01/adopt", {"file": file.pk})
    metadata = Version.objects.get().metadata
    assert metadata["paraminfo"]["energy"]["unit"] == "GeV"
    assert (metadata["header"]["author"], metadata["header"]["license"]) == ("Me", "CC-BY-4.0")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("title", "x", "at least 3 characters"),
        ("identifier", "../etc", "identifier"),
        ("more", "{", "This is not valid JSON"),
        ("more", "[1]", "not a JSON object"),
        ("more", '{"paraminfo": 3}', "paraminfo"),
        ("doi", "nonsense", "pattern"),
        ("label", "one", "pattern"),
        ("ktype", "km3.nonsense", "valid choice"),
        ("kind", "collection", "cannot have the content type"),
        ("table", "nonsense!", "SCHEMA.TABLE"),
    ],
)
def test_what_is_wrong_in_a_form_is_said_and_what_was_typed_stays(
    cora: Client, field: str, value: str, words: str
) -> None:
    answer = cora.post("/curate/new", FIELDS | {"description": "Typed at length", field: value})
    assert answer.status_code in (400, 409)
    page = answer.content.decode()
    assert words in page
    assert "Typed at length" in page
    assert not Record.objects.exists()


def test_saving_keeps_what_the_form_does_not_show(cora: Client, curator: User) -> None:
    version = drafted(curator)
    fields = {key: value for key, value in FIELDS.items() if key not in ("identifier", "kind")}
    cora.post("/curate/drafts/cnt24_01/save", fields | {"title": "Counts anew", "more": "{}"})
    version.refresh_from_db()
    assert version.title == "Counts anew"
    bad = cora.post("/curate/drafts/cnt24_01/save", fields | {"title": "x"})
    assert bad.status_code == 400
    assert "at least 3 characters" in bad.content.decode()


def test_a_reviewer_sends_back_and_the_curator_reads_why(
    cora: Client, rene: Client, curator: User
) -> None:
    publishing.submit(drafted(curator), curator)
    assert rene.post("/curate/drafts/cnt24_01/send-back", {"reason": " "}).status_code == 409
    rene.post("/curate/drafts/cnt24_01/send-back", {"reason": "Which unit?"})
    assert (
        "Sent back:</strong> Which unit?" in cora.get("/curate/drafts/cnt24_01/").content.decode()
    )


def test_a_new_version_begins_as_a_copy_and_withdrawal_needs_a_reason(
    cora: Client, rene: Client, curator: User, reviewer: User
) -> None:
    first = published(curator, reviewer)
    cora.post("/curate/records/cnt24_01/", {"changes": "More counts"})
    second = Version.objects.get(state=State.DRAFT)
    assert (second.label, second.changes, second.title) == ("2.0", "More counts", first.title)
    assert second.files.get().sha256 == first.files.get().sha256
    withdrawal = {"withdraw": "1.0", "reason": ""}
    assert rene.post("/curate/records/cnt24_01/", withdrawal).status_code == 409
    assert cora.post("/curate/records/cnt24_01/", withdrawal | {"reason": "x"}).status_code == 403
    rene.post("/curate/records/cnt24_01/", withdrawal | {"reason": "Wrong calibration."})
    assert Client().get("/records/cnt24_01/").status_code == 410


def test_each_role_sees_and_does_its_own(cora: Client, rene: Client, curator: User) -> None:
    publishing.submit(drafted(curator), curator)
    assert "/publish" not in cora.get("/curate/drafts/cnt24_01/").content.decode()
    assert cora.post("/curate/drafts/cnt24_01/publish").status_code == 403
    assert "New record" not in rene.get("/curate/").content.decode()
    assert rene.post("/curate/new", FIELDS | {"identifier": "x_01"}).status_code == 409
    assert not Record.objects.filter(identifier="x_01").exists()
    curator.add_roles(Role.REVIEWER)
    page = cora.get("/curate/drafts/cnt24_01/").content.decode()
    assert "someone else has to publish it" in page
    assert cora.post("/curate/drafts/cnt24_01/publish").status_code == 403


@pytest.mark.parametrize(
    "path", ["", "new", "drafts/cnt24_01/", "drafts/cnt24_01/preview", "records/cnt24_01/"]
)
def test_without_login_nothing_is_shown(web: Client, curator: User, path: str) -> None:
    drafted(curator)
    answer = web.get(f"/curate/{path}")
    assert answer.status_code == 302
    assert answer["Location"] == f"/curate/login?next=/curate/{path}"
    assert web.post("/curate/drafts/cnt24_01/discard").status_code == 302
    assert Version.objects.exists()


def test_forms_of_other_pages_are_refused(curator: User) -> None:
    drafted(curator)
    inside = logged_in(curator)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = inside.cookies
    answer = strict.post("/curate/drafts/cnt24_01/discard")
    assert answer.status_code == 403
    assert "The form has expired" in answer.content.decode()
    page = strict.get("/curate/drafts/cnt24_01/").content.decode()
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', page)
    assert token
    sent = {"csrfmiddlewaretoken": token[1]}
    assert strict.post("/curate/drafts/cnt24_01/discard", sent).status_code == 302
    assert not Version.objects.exists()


def rows(**typed: str) -> dict[str, str]:
    """Return what a browser sends of the rows for authors and funding."""
    counts = {
        f"{name}-{kind}_FORMS": number
        for name in ("creators", "funding")
        for kind, number in (("TOTAL", "3"), ("INITIAL", "0"))
    }
    kinds = {f"creators-{number}-kind": "person" for number in range(3)}
    return counts | kinds | {key.replace("__", "-"): value for key, value in typed.items()}


AUTHORS = rows(
    creators__0__name="Roe",
    creators__0__given="Richard",
    creators__0__ORDER="2",
    creators__1__name="Doe",
    creators__1__given="Jane",
    creators__1__register="https://orcid.org/0000-0002-1825-0097",
    creators__1__affiliations="CNRS | 02feahw73\n\nA & B",
    creators__1__roles="Software",
    creators__1__ORDER="1",
    creators__2__kind="organisation",
    creators__2__name="KM3NeT Collaboration",
    creators__2__ORDER="3",
    funding__0__funder="European Commission",
    funding__0__award_number="739560",
)


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


def test_more_rows_come_without_scripts_and_nothing_typed_is_lost(cora: Client) -> None:
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
def test_what_is_wrong_in_a_row_is_said_there(
    cora: Client, place: str, value: str, words: str
) -> None:
    answer = cora.post("/curate/new", FIELDS | AUTHORS | rows_of(place, value))
    if not words:  # a person may have one name
        assert Version.objects.get().people[0].name == "Jane"
        return
    assert answer.status_code == 400
    page = html.unescape(answer.content.decode())
    assert words in page
    assert 'value="Roe"' in page


def rows_of(place: str, value: str) -> dict[str, str]:
    return {place.replace("__", "-"): value}


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


def test_a_description_is_kept_and_shown_as_it_was_written(cora: Client) -> None:
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


def test_what_a_file_says_of_its_authors_does_not_replace_people(
    cora: Client, curator: User
) -> None:
    content = ECSV.replace(
        b"# schema: astropy-2.0", b"# meta: {header: {author: Me}}\n# schema: astropy-2.0"
    )
    cora.post("/curate/new", FIELDS | AUTHORS)
    upload(cora, content)
    cora.post("/curate/drafts/cnt24_01/adopt", {"file": Version.objects.get().files.get().pk})
    assert Version.objects.get().people[0].orcid == "0000-0002-1825-0097"


@pytest.mark.browser
@pytest.mark.parametrize("scripts", [True, False])
def test_in_a_browser_rows_for_authors_are_added(
    chromium: Browser, seeded_server: Server, scripts: bool
) -> None:
    name = f"rows{scripts:d}"
    command = [sys.executable, "-m", "opendata", "account", name, "--role", "curator"]
    commands.run(*command, "--password-stdin", input=PASSWORD, env=seeded_server.variables)
    context = chromium.new_context(java_script_enabled=scripts)
    page = context.new_page()
    page.goto(f"{seeded_server.url}/curate/login?next=/curate/new")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_label("Identifier").fill(f"{name}_01")
    page.get_by_label("Title").fill("Rows of authors")
    page.get_by_label("Content").select_option("km3.data.l4")
    for number, author in enumerate(("Doe", "Roe", "Poe")):
        row = page.locator(f"[name=creators-{number}-name]")
        if not row.count():
            page.get_by_role("button", name="Add author").click()
        row.fill(author)
    page.locator("[name=creators-1-DELETE]").check()
    page.get_by_label("Title").press("Enter")
    page.wait_for_url(f"**/curate/drafts/{name}_01/")
    names = page.locator("[data-rows=creators] fieldset input[name$=-name]")
    assert [item.input_value() for item in names.all()][:2] == ["Doe", "Poe"]
    context.close()


@pytest.mark.browser
def test_in_a_browser_two_people_bring_a_record_to_publication(
    chromium: Browser, seeded_server: Server
) -> None:
    for name, role in (("ada", "curator"), ("bob", "reviewer")):
        command = [sys.executable, "-m", "opendata", "account", name, "--role", role]
        commands.run(*command, "--password-stdin", input=PASSWORD, env=seeded_server.variables)
    ada = _enter(chromium, seeded_server, "ada")
    ada.get_by_role("link", name="New record").first.click()
    ada.get_by_label("Identifier").fill("browser26_01")
    ada.get_by_label("Title").fill("Counts from a browser")
    ada.get_by_label("Content").select_option("km3.data.l4")
    ada.get_by_role("button", name="Create draft").click()
    ada.get_by_label("Add a file").set_input_files(
        {"name": "counts.ecsv", "mimeType": "text/csv", "buffer": ECSV}
    )
    ada.get_by_role("button", name="Upload").click()
    ada.get_by_text("3 rows, 3 columns").wait_for()
    if ada.get_by_label("Why the error").count():
        ada.get_by_label("Why the error").fill("a test")
    # With the keyboard, and on a phone.
    ada.set_viewport_size({"width": 360, "height": 780})
    assert ada.evaluate("document.documentElement.scrollWidth") <= 360
    ada.get_by_role("button", name="Submit for review").focus()
    ada.keyboard.press("Enter")
    ada.get_by_text("was submitted for review").wait_for()
    bob = _enter(chromium, seeded_server, "bob")
    bob.get_by_role("link", name="Counts from a browser").click()
    bob.get_by_role("button", name="Publish").click()
    bob.get_by_text("browser26_01 1.0 is published.").wait_for()
    assert seeded_server.get("/records/browser26_01/").status_code == 200
    for page in (ada, bob):
        page.context.close()


def _enter(chromium: Browser, server: Server, name: str) -> Page:
    page = chromium.new_context().new_page()
    page.goto(f"{server.url}/curate/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Curation").wait_for()
    return page
