"""Portals that had their own tables of accounts, upgraded: with SQLite and with PostgreSQL.

`databases/` holds what the last version without the application `accounts` wrote: accounts of each
role, with and without password, closed, and deleted ones; tokens, sessions, versions in all
states, alerts, the audit. It is compared with the upgraded database by SQL alone.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from .accounts import PASSWORD
from .postgresql import HOW_TO, cluster, programs
from .running import Server, environment, run, serve

DATABASES = Path(__file__).parent / "databases"
KEY = "no-secret-but-the-key-of-a-database-for-tests"
Rows = list[tuple[Any, ...]]
Query = Callable[[str], Rows]

ACCOUNTS = "SELECT name, active, password, roles FROM records_account ORDER BY name"
TOKENS = (
    "SELECT name, digest, created, expires FROM {} ORDER BY digest",
    "records_token t JOIN records_account a ON a.id = t.account_id",
    "accounts_token t JOIN (SELECT id, username AS name FROM accounts_user) u ON u.id = t.user_id",
)
AUDIT = "SELECT id, at, account, action, subject, detail FROM records_auditentry ORDER BY id"
VERSIONS = "SELECT id, created_by, submitted_by, approved_by FROM records_version ORDER BY id"
NOTICES = "SELECT id, sender, signer FROM alerts_notice ORDER BY id"
#: The same after the upgrade, when references have replaced the names.
AUDIT_USERS = (
    "SELECT e.id, username FROM records_auditentry e JOIN accounts_user u ON u.id = e.user_id"
    " ORDER BY e.id"
)
VERSIONS_USERS = (
    "SELECT v.id, COALESCE(c.username, ''), COALESCE(s.username, ''), COALESCE(a.username, '')"
    " FROM records_version v LEFT JOIN accounts_user c ON c.id = created_by_id"
    " LEFT JOIN accounts_user s ON s.id = submitted_by_id"
    " LEFT JOIN accounts_user a ON a.id = approved_by_id ORDER BY v.id"
)
NOTICES_USERS = (
    "SELECT n.id, s.username, COALESCE(d.username, '') FROM alerts_notice n"
    " JOIN accounts_user s ON s.id = sender_id LEFT JOIN accounts_user d ON d.id = signer_id"
    " ORDER BY n.id"
)
CONTENT = (
    "SELECT id, number, label, state, title, description, ktype, metadata, creators, created,"
    " published_at, withdrawn_at, withdrawn_reason FROM records_version ORDER BY id"
)


@dataclass
class Upgraded:
    """A portal whose database an earlier version made."""

    server: Server
    before: dict[str, Rows]
    query: Query

    def web(self, session: str = "") -> httpx.Client:
        cookies = {"opendata_session": session} if session else None
        return httpx.Client(base_url=self.server.url, cookies=cookies, timeout=60)

    def log_in(self, name: str) -> int:
        with self.web() as web:
            page = web.get("/curate/login").text
            token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', page)
            assert token
            sent = {"name": name, "password": PASSWORD, "csrfmiddlewaretoken": token[1]}
            return web.post("/curate/login", data=sent).status_code


def _lite(folder: Path, stack: ExitStack) -> tuple[dict[str, str], Query]:
    variables = environment(folder) | {"DATABASE_URL": ""}
    path = folder / "state" / "opendata.sqlite"

    def query(sql: str) -> Rows:
        with closing(sqlite3.connect(path)) as database:
            return database.execute(sql).fetchall()

    with closing(sqlite3.connect(path)) as database:
        database.executescript((DATABASES / "before_accounts.sqlite.sql").read_text("utf-8"))
    return variables, query


def _post(folder: Path, stack: ExitStack) -> tuple[dict[str, str], Query]:
    psycopg = pytest.importorskip(
        "psycopg", reason="needs psycopg: pip install opendata[postgresql]"
    )
    if programs() is None:
        pytest.skip(HOW_TO)
    url = stack.enter_context(cluster())

    def query(sql: str) -> Rows:
        with psycopg.connect(url) as database:
            return list(database.execute(sql).fetchall())

    with psycopg.connect(url) as database:
        database.execute((DATABASES / "before_accounts.postgresql.sql").read_text("utf-8"))
    return environment(folder) | {"DATABASE_URL": url}, query


@pytest.fixture(scope="module", params=[_lite, _post], ids=["sqlite", "postgresql"])
def upgraded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Upgraded]:
    folder = tmp_path_factory.mktemp("older")
    secrets = folder / "state" / "secrets"
    secrets.mkdir(parents=True)
    (secrets / "django").write_text(KEY)
    with ExitStack() as stack:
        variables, query = request.param(folder, stack)
        asked = {
            "accounts": ACCOUNTS,
            "tokens": TOKENS[0].format(TOKENS[1]),
            "audit": AUDIT,
            "versions": VERSIONS,
            "notices": NOTICES,
            "content": CONTENT,
        }
        before = {name: query(sql) for name, sql in asked.items()}
        with serve(variables, "--migrate") as server:
            yield Upgraded(server, before, query)


def test_every_account_is_kept_with_its_password_and_roles(upgraded: Upgraded) -> None:
    found = {
        name: (bool(active), password)
        for name, active, password in upgraded.query(
            "SELECT username, is_active, password FROM accounts_user"
        )
    }
    groups = upgraded.query(
        "SELECT username, name FROM accounts_user u JOIN accounts_user_groups m ON m.user_id = u.id"
        " JOIN auth_group g ON g.id = m.group_id"
    )
    assert len(upgraded.before["accounts"]) == 9
    for name, active, password, roles in upgraded.before["accounts"]:
        kept = found.pop(name)
        assert kept[0] == bool(active)
        # Without a password there was none that could be right: Django writes that with a "!".
        assert kept[1] == password or (not password and kept[1].startswith("!"))
        listed = json.loads(roles) if isinstance(roles, str) else roles
        assert sorted(group for user, group in groups if user == name) == sorted(listed)
    # It was deleted, but what it did is still there.
    assert list(found) == ["gone"]
    assert not found["gone"][0]
    assert found["gone"][1].startswith("!")


def test_every_token_is_kept_until_it_expires(upgraded: Upgraded) -> None:
    before = upgraded.before["tokens"]
    # The portal deletes expired tokens when it starts.
    kept = [row for row in before if str(row[3]) > "2026" or row[3] is None]
    assert (len(before), len(kept)) == (7, 6)
    assert upgraded.query(TOKENS[0].format(TOKENS[2])) == kept


def test_every_entry_of_the_audit_is_kept_and_refers_to_its_account(upgraded: Upgraded) -> None:
    assert len(upgraded.before["audit"]) > 30
    assert upgraded.query(AUDIT) == upgraded.before["audit"]
    accounts = [(row[0], row[2]) for row in upgraded.before["audit"]]
    assert "gone" in dict(accounts).values()
    assert upgraded.query(AUDIT_USERS) == accounts


def test_versions_and_alerts_refer_to_the_accounts_that_they_named(upgraded: Upgraded) -> None:
    assert upgraded.query(VERSIONS_USERS) == upgraded.before["versions"]
    assert upgraded.query(NOTICES_USERS) == upgraded.before["notices"]
    assert upgraded.query(CONTENT) == upgraded.before["content"]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM records_account",
        "SELECT * FROM records_token",
        "SELECT * FROM records_failedlogin",
        "SELECT created_by FROM records_version",
        "SELECT sender FROM alerts_notice",
    ],
)
def test_migrated_columns_are_gone(upgraded: Upgraded, sql: str) -> None:
    with pytest.raises(Exception, match=r"no such|does not exist"):
        upgraded.query(sql)


@pytest.mark.parametrize(
    ("token", "path", "status"),
    [
        ("cora", "/api/v1/drafts/", 200),
        ("cora-until-2090", "/api/v1/drafts/", 200),
        ("daq", "/alerts/incoming/", 200),
        ("expired", "/api/v1/drafts/", 401),
        ("zoe", "/api/v1/drafts/", 401),
    ],
)
def test_tokens_work_as_before(upgraded: Upgraded, token: str, path: str, status: int) -> None:
    headers = {"Authorization": f"Bearer odc_test-token-of-{token}"}
    assert upgraded.server.get(path, headers=headers).status_code == status


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("cora", 302),
        ("rené", 302),
        ("x.y+z@km3net.org", 302),
        ("o\ufb01cer", 302),
        ("oficer", 403),
        ("zoe", 403),
        ("gone", 403),
        ("daq", 403),
    ],
)
def test_passwords_work_as_before(upgraded: Upgraded, name: str, status: int) -> None:
    assert upgraded.log_in(name) == status


@pytest.mark.parametrize(
    ("session", "status"),
    [("cora", 200), ("before-new-password", 302), ("expired", 302), ("gone", 302)],
)
def test_sessions_go_on_where_they_were_still_valid(
    upgraded: Upgraded, session: str, status: int
) -> None:
    with upgraded.web(f"session-{session}") as web:
        answer = web.get("/curate/")
        assert answer.status_code == status
        assert ("cora (curator)" in answer.text) == (session == "cora")


def test_roles_and_the_rule_of_two_people_hold(upgraded: Upgraded) -> None:
    path = f"{upgraded.server.url}/api/v1/records/cnt24_04/draft/approve/"

    def approve(headers: dict[str, str]) -> int:
        return httpx.post(path, headers=headers, timeout=60).status_code

    bearer = "Bearer odc_test-token-of-"
    assert approve({"Authorization": f"{bearer}cora"}) == 403
    both = upgraded.server.token("cora", "curator", "reviewer")
    assert approve(both) == 403
    assert approve({"Authorization": f"{bearer}daq"}) == 403
    assert approve({"Authorization": f"{bearer}rene"}) == 200
    assert upgraded.server.get("/records/cnt24_04/").status_code == 200
    assert upgraded.server.get("/records/cnt24_01/").status_code == 200
    assert upgraded.server.get("/api/v1/search/?q=counts").json()["count"] == 3


def test_alerts_are_signed_off_by_the_same_people_as_before(upgraded: Upgraded) -> None:
    bearer = {"Authorization": "Bearer odc_test-token-of-shifter"}
    waiting = upgraded.server.get("/alerts/incoming/", headers=bearer).json()
    assert [(row["sender"], row["signer"]) for row in waiting] == [("daq", "")]
    path = f"{upgraded.server.url}/alerts/incoming/{waiting[0]['number']}/sign-off/"
    answer = httpx.post(path, headers=bearer, timeout=60)
    assert (answer.status_code, answer.json()["signer"]) == (200, "shifter")


def test_nothing_is_left_to_migrate(upgraded: Upgraded) -> None:
    assert "No migrations to apply" in run(upgraded.server.variables, "migrate")
    checked = run(upgraded.server.variables, "django", "makemigrations", "--check", "--dry-run")
    assert "No changes detected" in checked
