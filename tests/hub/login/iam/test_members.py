"""Logging in with a provider shaped as ESCAPE IAM: a real provider, a real hub."""

from __future__ import annotations

import re
import sqlite3
import time
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.hub.login.conftest import Site
from tests.hub.login.iam.people import person, start_server
from tests.hub.running import Client, login_error
from tests.oidc.running import log_in
from tests.waiting import wait_until


def test_the_login_page_has_one_button_with_the_provider_s_name(site: Site) -> None:
    with site.hub.client() as browser:
        page = browser.get("/hub/login").text
    assert re.findall(r'<a class="km3-button[^>]*>([^<]*)</a>', page) == ["Log in with ESCAPE IAM"]
    assert "password" not in page.lower()


def test_a_member_logs_in(site: Site) -> None:
    with site.hub.client() as browser:
        page = log_in(browser, "bob")
        assert page.status_code == 200
        user = browser.api("GET", "/user").json()
        assert user["name"] == "bob"
        assert user["admin"] is False
        assert user["groups"] == ["/escape"]


def test_the_login_request_uses_pkce_and_the_scopes_of_the_preset(site: Site) -> None:
    with site.hub.client() as browser:
        asked = parse_qs(urlsplit(browser.get("/hub/oauth_login").headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["scope"] == ["openid profile email wlcg.groups offline_access"]
    assert asked["redirect_uri"] == [f"{site.hub.url}/hub/oauth_callback"]


@pytest.mark.parametrize("name", ["guest", "nobody"])
def test_a_user_without_an_allowed_group_sees_the_contact(site: Site, name: str) -> None:
    with site.hub.client() as browser:
        page = log_in(browser, name)
        assert page.status_code == 403
        for words in (name, "ESCAPE IAM", "/escape", "help@example.org", "/session/end"):
            assert words in page.text
        assert browser.get("/hub/home").status_code == 302
    with sqlite3.connect(site.hub.state.database) as database:
        assert not database.execute("select * from users where name = ?", (name,)).fetchall()


def test_administrators_are_defined_by_a_group(site: Site) -> None:
    with site.hub.client() as browser:
        log_in(browser, "boss")
        assert browser.api("GET", "/user").json()["admin"] is True
        assert browser.get("/hub/admin").status_code == 200


def test_an_environment_is_limited_to_a_group_of_the_provider(site: Site, ada: Client) -> None:
    assert ada.get("/user/ada/", follow_redirects=True).text == "hello ada"
    chosen = ada.api("GET", "/users/ada").json()["servers"][""]["user_options"]
    assert chosen["environment"] == "closed"
    with site.hub.client() as browser:
        log_in(browser, "visitor")
        form = browser.get("/hub/spawn").text
        assert "Open" in form
        assert "Closed" not in form
        refused = start_server(browser, "visitor", environment="closed")
        assert refused.status_code == 400
        assert "You have no access to the environment 'closed'" in refused.json()["message"]


def test_an_unusual_name_is_made_safe_for_folders_and_containers(site: Site) -> None:
    with site.hub.client() as browser:
        log_in(browser, "Odd.Name")
        assert re.fullmatch(r"odd-name-[a-z2-7]{16}", browser.api("GET", "/user").json()["name"])
        # Pages greet by the full name, and show it as text.
        assert "<h1>Hello, Odd &lt;b&gt;Name</h1>" in browser.get("/hub/home").text


def test_a_name_used_by_a_second_person_is_refused(site: Site) -> None:
    site.provider.set_person("first", person("wanted", "/escape"))
    site.provider.set_person("second", person("wanted", "/escape"))
    with site.hub.client() as browser:
        assert log_in(browser, "first").status_code == 200
    with site.hub.client() as browser:
        page = log_in(browser, "second")
    assert page.status_code == 403
    assert "belongs to another user" in page.text


def test_the_checks_of_the_site_use_only_their_own_server(site: Site) -> None:
    token = (site.hub.state.root / "secret-verify").read_text()
    headers = {"Authorization": f"token {token}"}
    with site.hub.client(headers=headers) as checks:
        assert checks.post("/hub/api/users/site-check").status_code == 201
        assert checks.post("/hub/api/users/somebody").status_code in (403, 404)
        server = "/hub/api/users/site-check/server"
        open_to_all = {"environment": "open"}
        assert checks.post(server, json=open_to_all).status_code in (201, 202)
        wait_until(
            lambda: checks.get("/hub/api/users/site-check").json()["servers"][""]["ready"],
            seconds=30,
            what="the server is ready",
        )
        assert checks.get("/user/site-check/").text == "hello verify"
        assert checks.delete(server).status_code in (202, 204)
        assert checks.post("/hub/api/users/bob/server").status_code in (403, 404)
        assert [user["name"] for user in checks.get("/hub/api/users").json()] == ["site-check"]


def test_nobody_can_log_in_as_the_check_account(site: Site) -> None:
    with site.hub.client() as browser:
        page = log_in(browser, "site-check")
        assert page.status_code == 403
        assert "belongs to another user" in page.text
        assert browser.get("/hub/home").status_code == 302
    assert "login.oidc.check_account" in site.hub.log


def test_a_user_who_leaves_the_group_loses_access_but_a_running_server_continues(
    site: Site,
) -> None:
    with site.hub.client() as browser:
        log_in(browser, "leaver")
        start_server(browser, "leaver")
        assert browser.get("/user/leaver/", follow_redirects=True).text == "hello leaver"
        made = browser.api("POST", "/users/leaver/tokens", json={"note": "mine"}).json()["token"]
        own = {"Authorization": f"token {made}"}
        assert httpx.get(f"{site.hub.url}/hub/api/user", headers=own, timeout=60).status_code == 200

        site.provider.set_person("leaver", person("leaver", "/other"))
        page = browser.get("/hub/home", follow_redirects=True)
        assert "no longer in a group with access" in login_error(page.text)
        assert "help@example.org" in login_error(page.text)
        assert httpx.get(f"{site.hub.url}/hub/api/user", headers=own, timeout=60).status_code == 403
        new = httpx.post(f"{site.hub.url}/hub/api/users/leaver/server", headers=own, timeout=60)
        assert new.status_code == 403
        # The server asks the hub again after a second, and goes on.
        again = time.monotonic() + 1.1
        wait_until(lambda: time.monotonic() > again, seconds=30, what="the hub would ask again")
        assert browser.get("/user/leaver/", follow_redirects=True).text == "hello leaver"
        assert browser.get("/hub/home").status_code == 302

        site.provider.set_person("leaver", person("leaver", "/escape"))
        assert log_in(browser, "leaver").status_code == 200


def test_rights_follow_the_groups_without_a_new_login(site: Site) -> None:
    with site.hub.client() as browser:
        log_in(browser, "climber")
        assert browser.get("/hub/admin").status_code == 403
        site.provider.set_person("climber", person("climber", "/escape", "/escape/admins"))
        assert browser.get("/hub/home").status_code == 200
        assert browser.get("/hub/admin").status_code == 200
        site.provider.set_person("climber", person("climber", "/escape"))
        assert browser.get("/hub/home").status_code == 200
        assert browser.get("/hub/admin").status_code == 403


def test_missing_groups_are_reported_to_the_administrator(site: Site) -> None:
    site.provider.set_person("plain", {"preferred_username": "plain", "name": "P"})
    before = len(site.hub.log)
    with site.hub.client() as browser:
        assert log_in(browser, "plain").status_code == 403
    assert "plain came without the claim wlcg.groups" in site.hub.log[before:]
