"""What each role may do by the API, the curation pages and alerts: every cell of the tables.

The tables are those of docs/roles.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import get_resolver, resolve

from opendata.accounts.models import Token, User
from opendata.accounts.roles import Role
from opendata.alerts import ingestion
from opendata.api.authentication import HasRole
from opendata.records import publishing
from tests.permissions import permissions

from .accounts import logged_in, user
from .records import draft, drafted, published
from .test_alerts import DOCUMENT

pytestmark = pytest.mark.usefixtures("quick_hashes")

C, R, SENDER, SIGNER = Role.CURATOR, Role.REVIEWER, Role.ALERT_SENDER, Role.ALERT_SIGNER
JSON = "application/json"
DRAFT = "/api/v1/records/secret24_01/draft/"

#: What stands for names in the table.
NAMES = {"ID": "secret24_01", "PUBLISHED": "open24_01", "NAME": "a.txt", "LABEL": "1.0"}


def named(path: str) -> str:
    """A path of the table with the names of this test."""
    for word, name in NAMES.items():
        path = path.replace(f"/{word}", f"/{name}")
    return path


#: Request by a program, and the roles that it needs.
BY_TOKEN: dict[tuple[str, str], set[Role]] = {
    (named(row).split()[0], named(row).split()[1].replace("NUMBER", "{alert}")): {
        Role(role) for role, cell in cells.items() if cell != "no"
    }
    for row, cells in permissions("request", heading="Open Data Center").items()
}
#: Page in a browser, and the roles that it needs.
PAGES: dict[str, set[Role]] = {
    named(row): {Role(role) for role, cell in cells.items() if cell != "no"}
    for row, cells in permissions("page", heading="Open Data Center").items()
}
#: Addresses that a stranger may read; a draft must not be found at any of them.
PUBLIC = (
    *("/api/v1/search/?q=secret24", "/api/v1/records/", "/catalog.json", "/", "/search?q=secret24"),
    *("/oai?verb=ListRecords&metadataPrefix=oai_dc", "/alerts/feed.json", "/metrics", "/health"),
    *("/api/v1/records/secret24_01/", "/records/secret24_01/", "/storage/secret24_01/1.0/a"),
)


@pytest.fixture
def alert(database: None) -> int:
    """The number of an alert that waits, submitted by somebody else."""
    notice = ingestion.hand_in(json.dumps(DOCUMENT).encode(), user("daq", SENDER))
    return int(notice.pk)


@pytest.fixture
def records(curator: User, reviewer: User) -> None:
    """A draft and a published record."""
    published(curator, reviewer, "open24_01")
    drafted(curator, "secret24_01", title="Secret counts")


def ask(web: Client, method: str, path: str) -> Any:
    body = "" if method in ("GET", "DELETE") else "{}"
    return web.generic(method, path, body, content_type=JSON)


@pytest.mark.parametrize("role", [None, *Role], ids=lambda role: role.value if role else "none")
def test_the_api_answers_a_role_only_where_the_table_says_so(
    records: None, alert: int, role: Role | None
) -> None:
    roles = (role,) if role else ()
    token = Token.issue(user("tester", *roles))
    web = Client(headers={"Authorization": f"Bearer {token}"})
    for (method, path), needed in BY_TOKEN.items():
        answer: HttpResponse = ask(web, method, path.format(alert=alert))
        if role in needed:
            assert answer.status_code not in (401, 403), (method, path)
        else:
            assert answer.status_code == 403, (method, path)
            assert "Secret" not in answer.content.decode()
        stranger = ask(Client(), method, path.format(alert=alert))
        assert stranger.status_code == 401, (method, path)
        if method == "DELETE" and role in needed and path == DRAFT:
            drafted(User.objects.get(username="cora"), "secret24_01")


@pytest.mark.parametrize("role", [None, *Role], ids=lambda role: role.value if role else "none")
def test_the_pages_answer_a_role_only_where_the_table_says_so(
    records: None, role: Role | None
) -> None:
    account = user("tester", *((role,) if role else ()))
    if role not in (C, R):
        web = Client()
        web.force_login(account, "opendata.accounts.backends.CuratorsBackend")
    else:
        web = logged_in(account)
    for path, needed in PAGES.items():
        wanted = 200 if role in needed else 403 if role in (C, R) else 302
        assert web.get(path).status_code == wanted, path
        assert Client().get(path).status_code == 302, path


def test_the_tables_have_every_address_that_needs_a_role() -> None:
    views = [
        view
        for pattern in get_resolver().url_patterns
        for view in _views(pattern)
        if HasRole in getattr(getattr(view, "view_class", None), "permission_classes", ())
    ]
    methods = {
        (view.view_class.__name__, method.upper())
        for view in views
        for method in ("get", "post", "put", "patch", "delete")
        if hasattr(view.view_class, method)
    }
    in_table = {
        (resolve(path.format(alert=1)).func.view_class.__name__, method)
        for method, path in BY_TOKEN
    }
    assert in_table == methods


def _views(pattern: Any) -> Iterator[Any]:
    if hasattr(pattern, "url_patterns"):
        for inner in pattern.url_patterns:
            yield from _views(inner)
    else:
        yield pattern.callback


def test_403_and_404_do_not_tell_which_drafts_exist(records: None) -> None:
    web = Client(headers={"Authorization": f"Bearer {Token.issue(user('daq', SENDER))}"})
    for name in ("secret24_01", "nothing24_01"):
        for method in ("GET", "PUT", "DELETE"):
            answer = ask(web, method, f"/api/v1/records/{name}/draft/")
            assert answer.status_code == 403
            assert "curator" in answer.json()["detail"]


def test_a_sender_sees_only_its_own_alerts(alert: int) -> None:
    def listed(account: User) -> list[int]:
        web = Client(headers={"Authorization": f"Bearer {Token.issue(account)}"})
        return [row["number"] for row in web.get("/alerts/incoming/").json()]

    assert listed(User.objects.get(username="daq")) == [alert]
    assert listed(user("other-daq", SENDER)) == []
    assert listed(user("shifter", SIGNER)) == [alert]


@pytest.mark.parametrize("path", PUBLIC)
def test_strangers_and_other_roles_find_no_draft(records: None, path: str) -> None:
    token = Token.issue(user("daq", SENDER))
    for web in (Client(), Client(headers={"Authorization": f"Bearer {token}"})):
        answer = web.get(path)
        text = (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode()
        assert "Secret counts" not in text
        if "q=" not in path:
            assert answer.status_code == 404 or "secret24_01" not in text


def test_a_draft_in_the_tests_is_one_that_its_curator_can_read(
    records: None, curators_web: Client
) -> None:
    answer = curators_web.get(DRAFT)
    assert answer.json()["title"] == "Secret counts"
    assert publishing.Draft(**draft()).title == "Counts of ORCA6"
