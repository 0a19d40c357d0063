"""Stolen cookies and tokens after a new password, a removed account, and a name given again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import httpx
import pytest

from tests.hub.login.test_closed_accounts import start_server, token_of
from tests.hub.running import Client, RunningHub, login_error
from tests.waiting import wait_until

NEW = "another-long-password-5"


def stolen(hub: RunningHub, browser: Client) -> Client:
    """A thief's browser: the cookies of another one."""
    thief = hub.client()
    for cookie in browser.cookies.jar:
        thief.cookies.jar.set_cookie(cookie)
    return thief


def opens(browser: Client) -> bool:
    return browser.get("/hub/home").status_code == 200


def uses(hub: RunningHub, token: dict[str, str]) -> bool:
    return httpx.get(f"{hub.url}/hub/api/user", headers=token, timeout=60).status_code == 200


def server_runs(hub: RunningHub, password: str, name: str) -> bool:
    """Whether an administrator sees a server of this user."""
    with hub.client() as admin:
        admin.login("root", password)
        answer = admin.api("GET", f"/users/{name}")
        return answer.status_code == 200 and bool(answer.json().get("servers"))


def change_password(hub: RunningHub, name: str) -> None:
    hub.accounts.set_password(name, NEW)


def remove(hub: RunningHub, name: str) -> None:
    hub.accounts.remove(name)


def give_again(hub: RunningHub, name: str) -> None:
    hub.accounts.remove(name)
    hub.accounts.add(name, NEW)


def end_sessions(hub: RunningHub, name: str) -> None:
    hub.accounts.access.end(name)


@pytest.mark.parametrize("ending", [change_password, remove, give_again, end_sessions])
def test_everything_that_gave_access_before_ends(
    hub: RunningHub, password: str, ending: Callable[[RunningHub, str], None]
) -> None:
    name = ending.__name__.replace("_", "-")
    hub.accounts.add(name, password)
    with hub.client() as owner:
        owner.login(name, password)
        start_server(owner, name)
        assert owner.get(f"/user/{name}/", follow_redirects=True).text == f"hello {name}"
        token = token_of(owner, name)
        with stolen(hub, owner) as thief:
            assert opens(thief)
            assert f"hello {name}" in thief.get(f"/user/{name}/", follow_redirects=True).text
            assert uses(hub, token)

            ending(hub, name)
            assert not opens(thief)
            assert thief.api("GET", "/user").status_code == 403
            assert not uses(hub, token)
            wait_until(
                lambda: not server_runs(hub, password, name),
                seconds=60,
                what="the server is stopped",
            )
            # Nothing leads back: no page, no new server, no token.
            assert thief.api("POST", f"/users/{name}/server").status_code == 403
            assert thief.api("POST", f"/users/{name}/tokens").status_code == 403
            assert f"hello {name}" not in thief.get(f"/user/{name}/", follow_redirects=True).text
            # The owner's new login does not revive what was stolen.
            if ending is not remove:
                new = password if ending is end_sessions else NEW
                with hub.client() as again:
                    assert again.login(name, new).status_code == 302
                    assert opens(again)
                    assert not opens(thief)
                    assert not uses(hub, token)


def test_a_token_beside_a_stolen_cookie_does_not_revive_it(hub: RunningHub, password: str) -> None:
    hub.accounts.add("mallory", password)
    hub.accounts.add("victim", password)
    with hub.client() as mallory, hub.client() as victim:
        mallory.login("mallory", password)
        token = token_of(mallory, "mallory")
        victim.login("victim", password)
        with stolen(hub, victim) as thief:
            hub.accounts.access.end("victim")
            assert thief.get("/hub/home", headers=token).status_code == 302


def test_jupyterhubs_cookie_alone_opens_nothing(hub: RunningHub, password: str) -> None:
    with hub.client() as owner, hub.client() as thief:
        owner.login("ada", password)
        for cookie in owner.cookies.jar:
            if cookie.name == "jupyterhub-hub-login":
                thief.cookies.jar.set_cookie(cookie)
        assert not opens(thief)


def test_a_session_of_another_user_does_not_help(hub: RunningHub, password: str) -> None:
    hub.accounts.add("bob", password)
    with hub.client() as bob, hub.client() as victim, hub.client() as thief:
        bob.login("bob", password)
        victim.login("ada", password)
        for browser, names in ((victim, ("jupyterhub-hub-login",)), (bob, ("km3-session",))):
            for cookie in browser.cookies.jar:
                if cookie.name in names:
                    thief.cookies.jar.set_cookie(cookie)
        assert not opens(thief)


def test_logging_out_ends_the_session_and_leaves_the_others(hub: RunningHub, password: str) -> None:
    with hub.client() as one, hub.client() as other:
        one.login("ada", password)
        other.login("ada", password)
        with stolen(hub, one) as thief:
            one.get("/hub/logout")
            assert not opens(thief)
            assert opens(other)


def test_a_browser_cannot_choose_its_session(hub: RunningHub, password: str) -> None:
    with hub.client() as browser:
        browser.get("/hub/login")
        domain = next(c.domain for c in browser.cookies.jar)
        browser.cookies.set("km3-session", "planted", domain=domain, path="/hub/")
        sent = browser.get("/hub/login").request.headers["cookie"]
        assert "km3-session=planted" in sent
        browser.login("ada", password)
        values = [c.value for c in browser.cookies.jar if c.name == "km3-session"]
        assert "planted" not in values
        assert all(len(value or "") >= 43 for value in values)


def test_the_session_cookie_is_for_the_hub_only_and_no_script_reads_it(
    hub: RunningHub, password: str
) -> None:
    with hub.client() as browser:
        answer = browser.login("ada", password)
        cookie = next(
            c for c in answer.headers.get_list("set-cookie") if c.startswith("km3-session=")
        )
        assert re.search(r"; path=/hub/(;|$)", cookie, re.IGNORECASE)
        assert "httponly" in cookie.lower()
        assert "samesite=lax" in cookie.lower()
        secret = cookie.split(";")[0].removeprefix("km3-session=")
        assert secret not in hub.state.sessions.read_text()
        assert hub.state.sessions.stat().st_mode & 0o777 == 0o600


def test_the_next_person_with_a_name_inherits_no_groups_roles_tokens_or_shares(
    hub: RunningHub, password: str
) -> None:
    hub.accounts.add("heir", password, admin=True, groups=("experts",))
    with hub.client() as former, hub.client() as new:
        former.login("heir", password)
        token_of(former, "heir")
        assert former.api("GET", "/users").status_code == 200
        hub.accounts.remove("heir")
        hub.accounts.add("heir", NEW)
        assert new.login("heir", NEW).status_code == 302
        user = new.api("GET", "/user").json()
        assert (user["admin"], user["groups"]) == (False, [])
        assert new.api("GET", "/users").status_code == 403
        tokens = new.api("GET", "/users/heir/tokens").json()["api_tokens"]
        assert [t for t in tokens if t["note"] == "mine"] == []
        assert not opens(former)


def test_a_new_login_is_asked_for_with_a_reason(hub: RunningHub, password: str) -> None:
    with hub.client() as browser:
        hub.accounts.add("told", password)
        browser.login("told", password)
        hub.accounts.set_password("told", NEW)
        page = browser.get("/hub/home", follow_redirects=True)
        assert login_error(page.text) == "Your session has ended. Please log in again."
        assert browser.login("told", password).status_code == 403
        assert browser.login("told", NEW).status_code == 302


def test_what_was_ended_stays_ended_over_a_restart(start_hub: object, password: str) -> None:
    hub = start_hub()  # type: ignore[operator]
    hub.accounts.add("eve", password)
    with hub.client() as browser:
        browser.login("eve", password)
        token = token_of(browser, "eve")
        assert opens(browser)
        hub.stop()
        hub.start()
        assert opens(browser)
        assert uses(hub, token)
        hub.stop()
        # The command line works while the hub is down, too.
        hub.accounts.set_password("eve", NEW)
        hub.start()
        assert not opens(browser)
        assert not uses(hub, token)


def test_a_damaged_file_of_sessions_asks_all_to_log_in_again(
    start_hub: object, password: str
) -> None:
    hub = start_hub()  # type: ignore[operator]
    with hub.client() as browser:
        browser.login("ada", password)
        assert opens(browser)
        hub.state.sessions.write_text('{"broken')
        assert not opens(browser)
        assert browser.login("ada", password).status_code == 302
        assert opens(browser)
        assert json.loads(hub.state.sessions.read_text())
