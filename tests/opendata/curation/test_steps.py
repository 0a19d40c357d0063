"""From a form to a published record, by way of a review."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from opendata.accounts.models import User
from opendata.accounts.roles import Role
from opendata.records import publishing
from opendata.records.models import Record, State, Version

from ..accounts import logged_in
from ..records import ECSV, HEADER, drafted, published

if TYPE_CHECKING:
    pass
from .forms import FIELDS, upload

pytestmark = pytest.mark.usefixtures("quick_hashes")


def test_a_record_is_entered_reviewed_and_published(cora: Client, rene: Client) -> None:
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


def test_messages_are_shown_once_and_cannot_be_set_by_an_address(cora: Client) -> None:
    cora.post("/curate/new", FIELDS)
    cora.post("/curate/drafts/cnt24_01/save", FIELDS)
    page = "/curate/drafts/cnt24_01/"
    assert "The draft was saved." in cora.get(page).content.decode()
    assert "The draft was saved." not in cora.get(page).content.decode()
    for path in ("/curate/", page):
        assert "Call me" not in cora.get(path, {"done": "Call me"}).content.decode()


def test_findings_are_shown_and_need_a_reason_to_be_overridden(cora: Client, curator: User) -> None:
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


def test_the_page_says_why_a_damaged_file_is_refused(cora: Client) -> None:
    cora.post("/curate/new", FIELDS)
    answer = upload(cora, b"\x89HDF\r\n\x1a\n" + b"\0" * 50, "counts.h5")
    assert answer.status_code == 409
    assert 'role="alert">Counts.h5:' in answer.content.decode()
    assert cora.post("/curate/drafts/cnt24_01/upload", {}).status_code == 409
    assert not Version.objects.get().files.exists()


def test_metadata_of_a_file_are_imported(cora: Client) -> None:
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
def test_errors_in_a_form_are_shown_and_the_input_is_kept(
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


def test_each_role_sees_only_its_own_actions(cora: Client, rene: Client, curator: User) -> None:
    publishing.submit(drafted(curator), curator)
    assert "/publish" not in cora.get("/curate/drafts/cnt24_01/").content.decode()
    assert cora.post("/curate/drafts/cnt24_01/publish").status_code == 403
    assert "New record" not in rene.get("/curate/").content.decode()
    assert rene.post("/curate/new", FIELDS | {"identifier": "x_01"}).status_code == 403
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
