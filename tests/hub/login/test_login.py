"""Logging in to a real hub through its real proxy."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tests.hub.running import RunningHub, login_error


def test_the_right_password_lets_in(hub: RunningHub, password: str) -> None:
    with hub.client() as browser:
        answer = browser.login("ada", password)
        assert answer.status_code == 302
        assert browser.get("/hub/home").status_code == 200
        user = browser.api("GET", "/user").json()
        assert user["name"] == "ada"
        assert user["admin"] is False


def test_the_name_may_be_typed_in_capitals(hub: RunningHub, password: str) -> None:
    with hub.client() as browser:
        assert browser.login(" ADA ", password).status_code == 302
        assert browser.api("GET", "/user").json()["name"] == "ada"


def test_an_administrator_is_one(hub: RunningHub, password: str) -> None:
    with hub.client() as browser:
        assert browser.login("root", password).status_code == 302
        assert browser.api("GET", "/user").json()["admin"] is True
        assert browser.get("/hub/admin").status_code == 200


def test_wrong_unknown_and_expired_look_alike(hub: RunningHub, password: str) -> None:
    hub.accounts.add("late", password, expires=datetime.now(UTC) - timedelta(seconds=1))
    answers = []
    for name, given in (("ada", "wrong"), ("nobody", password), ("late", password)):
        with hub.client() as browser:
            answer = browser.login(name, given)
        answers.append((answer.status_code, login_error(answer.text)))
    assert answers == [(403, "Invalid username or password")] * 3


@pytest.mark.parametrize("name", ["", "../etc", "a b", "-a", "a\x00da", "Ünal", "a" * 33])
def test_names_that_no_account_has_are_refused(hub: RunningHub, password: str, name: str) -> None:
    with hub.client() as browser:
        assert browser.login(name, password).status_code == 403
    assert "Traceback" not in hub.log


def test_a_form_without_name_is_refused(hub: RunningHub) -> None:
    with hub.client() as browser:
        browser.get("/hub/login")
        answer = browser.post("/hub/login", data={"_xsrf": browser.xsrf()})
        assert answer.status_code == 400
        assert "has no user name" in login_error(answer.text)
        answer = browser.post("/hub/login", data={"_xsrf": browser.xsrf(), "username": "ada"})
        assert answer.status_code == 403


def test_a_megabyte_of_name_is_answered_quickly_and_logged_briefly(hub: RunningHub) -> None:
    before = len(hub.log)
    with hub.client() as browser:
        browser.get("/hub/login")
        for size in (10**6, 10**7):
            form = {"username": "x" * size, "password": "y" * 10**6, "_xsrf": browser.xsrf()}
            start = time.perf_counter()
            answer = browser.post("/hub/login", data=form)
            assert time.perf_counter() - start < 5
            assert answer.status_code == 403
            assert len(answer.content) < 50_000
    assert len(hub.log) - before < 5_000


def test_a_megabyte_of_name_without_the_form_s_token_is_logged_briefly(hub: RunningHub) -> None:
    before = len(hub.log)
    with hub.client() as browser:
        answer = browser.post("/hub/login", data={"username": "x" * 10**6, "password": "y"})
    assert answer.status_code == 403
    assert len(answer.content) < 50_000
    assert len(hub.log) - before < 5_000


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "///evil.example",
        "https://evil.example/",
        "\\\\evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "http:evil.example",
        "%2F%2Fevil.example",
    ],
)
def test_the_login_leads_nowhere_else(hub: RunningHub, password: str, target: str) -> None:
    with hub.client() as browser:
        answer = browser.login("ada", password, params={"next": target})
        assert answer.status_code == 302
        # A browser reads a backslash as a slash: after the first, neither may follow.
        assert re.match(r"/[^/\\]", answer.headers["location"])


def test_two_logins_of_one_account_both_work(hub: RunningHub, password: str) -> None:
    hub.accounts.add("twice", password)
    with hub.client() as first, hub.client() as second:
        with ThreadPoolExecutor(2) as both:
            answers = list(both.map(lambda b: b.login("twice", password), (first, second)))
        assert [answer.status_code for answer in answers] == [302, 302]
        for browser in (first, second):
            assert browser.get("/hub/home").status_code == 200
        # One logs out; the other stays in.
        first.get("/hub/logout")
        assert first.get("/hub/home").status_code == 302
        assert second.get("/hub/home").status_code == 200


def test_thirty_logins_at_once_all_work(hub: RunningHub, password: str) -> None:
    names = [f"guest-{number}" for number in range(30)]
    for name in names:
        hub.accounts.add(name, password)

    def login(name: str) -> int:
        with hub.client() as browser:
            return browser.login(name, password).status_code

    with ThreadPoolExecutor(30) as everybody:
        assert list(everybody.map(login, names)) == [302] * 30


def test_the_hub_answers_others_while_passwords_are_checked(hub: RunningHub) -> None:
    def fail(number: int) -> None:
        with hub.client() as browser:
            browser.login(f"stranger-{number}", "wrong-password")

    with ThreadPoolExecutor(10) as strangers, hub.client() as browser:
        pending = [strangers.submit(fail, number) for number in range(10)]
        slowest = 0.0
        while not all(p.done() for p in pending):
            start = time.perf_counter()
            assert browser.get("/hub/health").status_code == 200
            slowest = max(slowest, time.perf_counter() - start)
    assert slowest < 2


def test_a_changed_password_counts_at_once(hub: RunningHub, password: str) -> None:
    hub.accounts.add("changes", password)
    with hub.client() as browser:
        assert browser.login("changes", password).status_code == 302
    hub.accounts.set_password("changes", "another-password")
    with hub.client() as browser:
        assert browser.login("changes", password).status_code == 403
        assert browser.login("changes", "another-password").status_code == 302


def test_a_damaged_file_is_kept_and_throws_nobody_out(hub: RunningHub, password: str) -> None:
    with hub.client() as inside, hub.client() as outside:
        assert inside.login("ada", password).status_code == 302
        good = hub.accounts.path.read_bytes()
        try:
            hub.accounts.path.write_bytes(good[:-20])
            answer = outside.login("ada", password)
            assert answer.status_code == 503
            assert "Logins are not possible at the moment" in login_error(answer.text)
            assert inside.get("/hub/home").status_code == 200
            assert hub.accounts.path.read_bytes() == good[:-20]
            assert f"{hub.accounts.path}: is damaged" in hub.log
        finally:
            hub.accounts.path.write_bytes(good)
        assert outside.login("ada", password).status_code == 302


def test_no_password_and_no_hash_is_logged(hub: RunningHub, password: str) -> None:
    with hub.client() as browser:
        browser.login("ada", password)
        browser.login("ada", "my-secret-typo")
    assert password not in hub.log
    assert "my-secret-typo" not in hub.log
    assert "argon2" not in hub.log


def test_cookies_cannot_be_read_by_scripts(hub: RunningHub, password: str) -> None:
    with hub.client() as browser:
        answer = browser.login("ada", password)
    login_cookie = [
        line for line in answer.headers.get_list("set-cookie") if "jupyterhub-hub-login" in line
    ]
    assert login_cookie
    assert all("HttpOnly" in line for line in login_cookie)


@pytest.mark.parametrize(
    "after", ["%0d%0a", "%0d%0aSet-Cookie:x=y", "a%7fb", "a%00b", "a%0ab", "%c2%85x", "%e2%80%a8x"]
)
def test_an_address_that_no_header_can_hold_is_ignored(
    hub: RunningHub, password: str, after: str
) -> None:
    with hub.client() as browser:
        browser.get("/hub/login")
        form = {"username": "ada", "password": password, "_xsrf": browser.xsrf()}
        answers = [browser.post(f"/hub/login?next=/hub/{after}", data=form)]
        answers.append(browser.get(f"/hub/login?next=/hub/{after}"))
        for answer in answers:
            assert answer.status_code == 302
            assert "Set-Cookie:x" not in answer.headers["location"]
            assert "x" not in answer.cookies
