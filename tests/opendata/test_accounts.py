"""Logging in and out, the pause after failures, accounts and tokens on the command line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from axes.models import AccessFailureLog
from click.testing import CliRunner
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission
from django.db.models import F
from django.test import Client

from opendata.accounts import throttle
from opendata.accounts.models import Token, User
from opendata.accounts.roles import Role
from opendata.cli import main

from .accounts import PASSWORD, logged_in, user
from .prepared import MIGRATE, prepared
from .running import Server, serve

pytestmark = pytest.mark.usefixtures("quick_hashes")

WRONG = {"name": "cora", "password": "wrong"}
RIGHT = {"name": "cora", "password": PASSWORD}
WAIT = "Too many failed logins. Try again in 15 minutes."


def log_in(address: str = "192.0.2.1", **sent: str) -> int:
    """Return the status of an attempt from an address."""
    return Client(REMOTE_ADDR=address).post("/curate/login", WRONG | sent).status_code


def test_each_role_is_a_group_with_one_permission(database: None) -> None:
    found = {
        group.name: [
            f"{permission.content_type.app_label}.{permission.codename}"
            for permission in group.permissions.all()
        ]
        for group in Group.objects.all()
    }
    assert found == {role.value: [role.permission] for role in Role}


def test_a_permission_counts_however_it_was_given(database: None) -> None:
    ana = user("ana")
    assert not ana.has_perm("records.curate_record")
    ana.user_permissions.add(Permission.objects.get(codename="curate_record"))
    assert logged_in(ana).get("/curate/new").status_code == 200


def test_wrong_passwords_and_unknown_names_get_the_same_answer(curator: User) -> None:
    logged_in(curator)
    pages = []
    for name in ("cora", "nobody"):
        answer = Client().post("/curate/login", WRONG | {"name": name})
        assert answer.status_code == 403
        page = re.sub(r'value="[^"]*"', "", answer.content.decode())
        pages.append(page)
        assert "Incorrect user name or password." in page
    assert pages[0] == pages[1]


def test_after_five_failures_even_the_right_password_has_to_wait(curator: User) -> None:
    logged_in(curator)
    assert [log_in() for _ in range(throttle.BOTH)] == [403] * throttle.BOTH
    web = Client(REMOTE_ADDR="192.0.2.1")
    answer = web.post("/curate/login", RIGHT)
    assert answer.status_code == 429
    assert WAIT in answer.content.decode()
    assert 0 < int(answer["Retry-After"]) <= 901
    assert web.get("/curate/").status_code == 302
    assert log_in("192.0.2.7", **RIGHT) == 302
    AccessFailureLog.objects.update(attempt_time=F("attempt_time") - settings.AXES_COOLOFF_TIME)
    assert log_in(**RIGHT) == 302


def test_failures_for_unknown_names_count_too(database: None) -> None:
    answers = [log_in(name="nobody") for _ in range(throttle.BOTH + 1)]
    assert answers == [403] * throttle.BOTH + [429]


def test_attempts_during_a_pause_do_not_prolong_it(curator: User) -> None:
    for _ in range(throttle.BOTH):
        log_in()
    AccessFailureLog.objects.update(attempt_time=F("attempt_time") - timedelta(minutes=14))
    assert [log_in() for _ in range(20)] == [429] * 20
    AccessFailureLog.objects.update(attempt_time=F("attempt_time") - timedelta(minutes=2))
    assert log_in() == 403


def test_failures_that_are_far_apart_do_not_add_up(curator: User) -> None:
    # django-axes itself counts on as long as one failure follows another within the pause.
    for _ in range(4 * throttle.BOTH):
        assert log_in() == 403
        AccessFailureLog.objects.update(attempt_time=F("attempt_time") - timedelta(minutes=4))


def test_many_addresses_cannot_try_one_name_without_end(curator: User) -> None:
    logged_in(curator)
    addresses = [f"198.51.100.{number}" for number in range(throttle.NAME + 1)]
    answers = [log_in(address) for address in addresses]
    assert answers == [403] * throttle.NAME + [429]
    assert log_in(name="someone-else") == 403


def test_an_ipv6_network_counts_as_one_address(curator: User) -> None:
    # Providers give each customer at least 64 bits (RFC 6177), so one client has all of them.
    answers = [log_in(f"2001:db8:1:2::{number}") for number in range(throttle.BOTH + 1)]
    assert answers == [403] * throttle.BOTH + [429]
    assert log_in("2001:db8:1:3::1") == 403


def test_one_address_cannot_try_many_names_without_end(curator: User) -> None:
    answers = [log_in(name=f"name{number}") for number in range(throttle.ADDRESS + 1)]
    assert answers == [403] * throttle.ADDRESS + [429]
    assert log_in("2001:db8::1", name="name0") == 403


def test_a_login_forgets_the_failures_before_it(curator: User) -> None:
    logged_in(curator)
    for _ in range(3):
        assert [log_in() for _ in range(throttle.BOTH - 1)] == [403] * (throttle.BOTH - 1)
        assert log_in(**RIGHT) == 302


def test_upper_and_lower_case_count_as_one_name(curator: User) -> None:
    names = ["cora", "Cora", "CORA", "coRA", "cORa", "corA"]
    assert [log_in(name=name) for name in names] == [403] * 5 + [429]


def test_headers_of_clients_do_not_change_their_address(curator: User) -> None:
    answers = []
    for number in range(throttle.BOTH + 1):
        web = Client(REMOTE_ADDR="192.0.2.1")
        headers = {
            "X-Forwarded-For": f"203.0.113.{number}",
            "X-Real-IP": f"203.0.113.{number}",
            "Forwarded": f"for=203.0.113.{number}",
            "User-Agent": f"browser {number}",
        }
        answers.append(web.post("/curate/login", WRONG, headers=headers).status_code)
    assert answers == [403] * throttle.BOTH + [429]


def test_neither_names_nor_addresses_of_failures_are_stored(curator: User) -> None:
    log_in()
    stored = str(list(AccessFailureLog.objects.values()))
    assert AccessFailureLog.objects.count() == 1
    assert "cora" not in stored
    assert "192.0.2.1" not in stored


@pytest.fixture(scope="module")
def behind_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a public address, which the proxy on this machine serves."""
    public = {"OPENDATA_PUBLIC_URL": "http://odc.test"}
    variables = prepared(tmp_path_factory.mktemp("proxy"), MIGRATE, **public)
    with serve(variables) as server:
        yield server


def test_behind_a_proxy_the_address_is_the_one_that_the_proxy_reports(
    behind_proxy: Server,
) -> None:
    def attempt(reported: str) -> httpx.Response:
        with httpx.Client(base_url=behind_proxy.url, timeout=60) as web:
            page = web.get("/curate/login").text
            token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', page)
            assert token
            sent = WRONG | {"csrfmiddlewaretoken": token[1]}
            headers = {"X-Forwarded-For": reported, "Origin": "http://odc.test"}
            return web.post("/curate/login", data=sent, headers=headers)

    # What a client writes into the header comes before what the proxy adds.
    answers = [attempt(f"203.0.113.{number}, 192.0.2.1") for number in range(throttle.BOTH + 1)]
    assert [answer.status_code for answer in answers] == [403] * throttle.BOTH + [429]
    assert 850 < int(answers[-1].headers["Retry-After"]) <= 901
    assert WAIT in answers[-1].text
    assert attempt("203.0.113.1, 192.0.2.2").status_code == 403


def test_a_new_password_and_a_closed_account_end_sessions(curator: User) -> None:
    cora = logged_in(curator)
    assert cora.get("/curate/").status_code == 200
    User.objects.filter(pk=curator.pk).update(password=make_password("another password"))
    assert cora.get("/curate/").status_code == 302
    again = logged_in(curator)
    User.objects.filter(pk=curator.pk).update(is_active=False)
    assert again.get("/curate/").status_code == 302
    assert Client().post("/curate/login", RIGHT).status_code == 403


def test_accounts_of_programs_cannot_log_in_though_they_have_a_password(database: None) -> None:
    daq = user("daq", Role.ALERT_SENDER)
    daq.set_password(PASSWORD)
    daq.save()
    assert log_in(name="daq", password=PASSWORD) == 403
    daq.add_roles(Role.CURATOR)
    assert log_in(name="daq", password=PASSWORD) == 302


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:x"])
def test_login_leads_nowhere_else(curator: User, target: str) -> None:
    logged_in(curator)
    assert Client().post("/curate/login", RIGHT | {"next": target})["Location"] == "/curate/"
    page = Client().get("/curate/login", {"next": target}).content.decode()
    assert target not in page


def test_login_leads_back_to_the_page_that_asked_for_it(curator: User) -> None:
    logged_in(curator)
    asked = Client().get("/curate/new")
    web = Client()
    page = web.get(asked["Location"]).content.decode()
    assert 'name="next" value="/curate/new"' in page
    assert web.post("/curate/login", RIGHT | {"next": "/curate/new"})["Location"] == "/curate/new"


def test_cookies_are_for_these_pages_only_and_no_script_reads_them(curator: User) -> None:
    cora = logged_in(curator)
    cookie = cora.cookies[settings.SESSION_COOKIE_NAME]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/curate/", True, "Strict")
    assert "no-store" in cora.get("/curate/")["Cache-Control"]
    assert cora.post("/curate/logout")["Location"] == "/"
    assert cora.get("/curate/").status_code == 302


@pytest.mark.parametrize("path", ["/", "/search", "/api/v1/records/", "/catalog.json", "/alerts/"])
def test_public_pages_are_the_same_whoever_is_logged_in(curator: User, path: str) -> None:
    answers = [web.get(path) for web in (Client(), logged_in(curator))]
    assert [answer.status_code for answer in answers] == [200, 200]
    for answer in answers:
        assert not answer.cookies
        assert "Cookie" not in answer.get("Vary", "")


def test_an_address_that_only_takes_forms_does_not_log_out_when_it_is_opened(
    curator: User,
) -> None:
    cora = logged_in(curator)
    assert cora.get("/curate/logout").status_code == 405
    assert cora.get("/curate/").status_code == 200


def test_accounts_are_made_on_the_command_line(database: None) -> None:
    run = CliRunner().invoke
    options = ["--role", "curator", "--password-stdin"]
    weak = run(main, ["account", "ana", *options], input="password\n")
    assert weak.exit_code == 1
    assert "at least 12" in weak.output
    assert "too common" in weak.output
    assert run(main, ["account", "ana", "--password-stdin"], input=PASSWORD).exit_code == 1
    run(main, ["token", "daq", "--role", "alert-sender"])
    assert run(main, ["account", "daq", "--password-stdin"], input=PASSWORD).exit_code == 1
    made = run(main, ["account", "ana", *options], input=f"{PASSWORD}\n")
    assert made.output == "ana can log in at /curate/ (curator).\n"
    right = {"name": "ana", "password": PASSWORD}
    assert Client().post("/curate/login", right).status_code == 302
    assert run(main, ["account", "ana", "--disable"]).exit_code == 0
    assert Client().post("/curate/login", right).status_code == 403
    reopened = ["account", "ana", "--reopen", "--role", "reviewer", "--password-stdin"]
    again = run(main, reopened, input=PASSWORD)
    assert again.output == "ana can log in at /curate/ (reviewer).\n"
    assert Client().post("/curate/login", right).status_code == 302


@pytest.mark.parametrize("name", ["", "-x", "a b", "a/b", "a\nb", "ana\n", "x" * 101, "é"])
@pytest.mark.parametrize("command", ["account", "token"])
def test_names_that_no_account_can_have_are_refused(
    database: None, command: str, name: str
) -> None:
    arguments = [command, "--role", "curator", "--", name]
    if command == "account":
        arguments.insert(1, "--password-stdin")
    done = CliRunner().invoke(main, arguments, input=f"{PASSWORD}\n")
    assert done.exit_code == 1, done.output
    assert done.output.startswith("Error: ")
    assert "Traceback" not in done.output
    assert not User.objects.exists()


def test_tokens_are_made_on_the_command_line_and_set_the_roles(database: None) -> None:
    run = CliRunner().invoke

    def status(text: str) -> int:
        web = Client(headers={"Authorization": f"Bearer {text}"})
        return web.get("/alerts/incoming/").status_code

    first = run(main, ["token", "daq", "--role", "curator"]).output.strip()
    second = run(main, ["token", "daq", "--role", "alert-sender", "--days", "1"]).output.strip()
    assert re.fullmatch(r"odc_[\w-]{43}", first)
    assert User.objects.get().roles == ["alert-sender"]
    assert [status(first), status(second), status("odc_nonsense")] == [200, 200, 401]
    Token.objects.update(expires="2020-01-01T00:00:00Z")
    assert status(second) == 401
    User.objects.update(is_active=False)
    closed = run(main, ["token", "daq", "--role", "alert-sender"])
    assert closed.exit_code == 1
    assert "the account daq is closed" in closed.output
    assert Token.objects.count() == 2
