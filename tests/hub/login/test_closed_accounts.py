"""Accounts that expire, are removed or change while their user is logged in."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlparse

import httpx

from tests.hub.running import Client, RunningHub, login_error
from tests.waiting import wait_until


def sent_to_login(browser: Client) -> str:
    """What the login page says to a browser that asks for the hub's home page."""
    page = browser.get("/hub/home", follow_redirects=True)
    assert urlparse(str(page.url)).path == "/hub/login"
    return login_error(page.text)


def expire(hub: RunningHub, name: str) -> None:
    hub.accounts.change(name, expires=datetime.now(UTC) - timedelta(seconds=1))


def start_server(browser: Client, name: str) -> None:
    answer = browser.api("POST", f"/users/{name}/server")
    assert answer.status_code in (201, 202), answer.text
    wait_until(
        lambda: bool(browser.api("GET", f"/users/{name}").json()["servers"][""]["ready"]),
        seconds=30,
        what="the server is ready",
    )


def token_of(browser: Client, name: str) -> dict[str, str]:
    answer = browser.api("POST", f"/users/{name}/tokens", json={"note": "mine"})
    return {"Authorization": f"token {answer.json()['token']}"}


def test_an_expired_account_gets_the_reason_and_its_server_keeps_running(
    hub: RunningHub, password: str
) -> None:
    name = "expires-soon"
    hub.accounts.add(name, password)
    with hub.client() as browser:
        assert browser.login(name, password).status_code == 302
        start_server(browser, name)
        note = browser.get(f"/user/{name}/", params={"note": "before"}, follow_redirects=True)
        assert note.text == f"hello {name}"
        token = token_of(browser, name)

        expire(hub, name)
        wait_until(
            lambda: browser.get("/hub/home").status_code == 302,
            seconds=30,
            what="the hub sends the browser to the login page",
        )
        message = sent_to_login(browser)
        assert "This account expired on" in message
        assert "Your files are kept" in message

        # The token that the user made opens nothing any more, in particular no new server.
        assert httpx.get(f"{hub.url}/hub/api/user", headers=token, timeout=60).status_code == 403
        # But what runs goes on, so that the work can be saved; the hub is asked each time.
        for _ in range(2):
            until_asked_again = time.monotonic() + 1.1
            wait_until(
                lambda limit=until_asked_again: time.monotonic() > limit,
                seconds=30,
                what="the hub would ask again",
            )
            saved = browser.get(f"/user/{name}/", params={"note": "after"}, follow_redirects=True)
            assert saved.text == f"hello {name}"
        notes = hub.folder / "homes" / name / "notes.txt"
        assert notes.read_text() == "before\nafter\nafter\n"
        # That the server was let in does not open the hub's pages to the browser.
        assert browser.get("/hub/home").status_code == 302

        # With a later date the same browser is in again.
        hub.accounts.change(name, expires=None)
        wait_until(
            lambda: browser.get("/hub/home").status_code == 200,
            seconds=30,
            what="the home page answers",
        )
        assert browser.api("DELETE", f"/users/{name}/server").status_code in (202, 204)


def test_no_server_starts_for_a_closed_account(hub: RunningHub, password: str) -> None:
    hub.accounts.add("gone", password)
    with hub.client() as browser, hub.client() as admin:
        browser.login("gone", password)
        admin.login("root", password)
        token = token_of(browser, "gone")
        hub.accounts.remove("gone")
        refused = [
            httpx.post(f"{hub.url}/hub/api/users/gone/server", headers=token, timeout=60),
            browser.api("POST", "/users/gone/server"),
            admin.api("POST", "/users/gone/server"),
        ]
        # 404 for an administrator where the hub has removed its records already.
        assert [answer.status_code for answer in refused[:2]] == [403] * 2
        assert refused[2].status_code in (403, 404)
        wait_until(
            lambda: admin.api("GET", "/users/gone").status_code == 404,
            seconds=30,
            what="the hub has no records of the user",
        )


def test_a_demoted_administrator_loses_the_rights_at_once(hub: RunningHub, password: str) -> None:
    hub.accounts.add("boss", password, admin=True)
    with hub.client() as browser:
        browser.login("boss", password)
        token = token_of(browser, "boss")
        assert httpx.get(f"{hub.url}/hub/api/users", headers=token, timeout=60).status_code == 200
        hub.accounts.change("boss", admin=False)
        wait_until(
            lambda: browser.api("GET", "/user").json().get("admin") is False,
            seconds=30,
            what="the account is no administrator",
        )
        assert browser.get("/hub/admin").status_code == 403
        assert httpx.get(f"{hub.url}/hub/api/users", headers=token, timeout=60).status_code == 403
        # And the token of a removed administrator opens nothing.
        hub.accounts.remove("boss")
        wait_until(
            lambda: (
                httpx.get(f"{hub.url}/hub/api/user", headers=token, timeout=60).status_code == 403
            ),
            seconds=30,
            what="the token opens nothing",
        )


def test_another_account_can_log_in_from_the_same_browser(hub: RunningHub, password: str) -> None:
    hub.accounts.add("former", password)
    with hub.client() as browser:
        browser.login("former", password)
        hub.accounts.remove("former")
        wait_until(
            lambda: browser.get("/hub/home").status_code == 302,
            seconds=30,
            what="the hub sends the browser to the login page",
        )
        assert browser.login("ada", password).status_code == 302
        assert browser.api("GET", "/user").json()["name"] == "ada"
