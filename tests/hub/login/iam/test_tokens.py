"""Tokens: their renewal, those for data in a user's server, and where none may appear."""

from __future__ import annotations

import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.hub.login.conftest import Site
from tests.hub.login.iam.people import start_server, token_of_server
from tests.hub.running import Client, login_error
from tests.lab.running import execute, kernels_prefix, lab_python
from tests.oidc.running import SECRET, log_in
from tests.waiting import wait_until


def test_tokens_are_renewed_while_a_user_is_logged_in(site: Site) -> None:
    site.provider.set_seconds(2)
    try:
        with site.hub.client() as browser:
            log_in(browser, "renewed")
            before = site.provider.asked("/token")
            # Each request renews a token of so short a life; a refresh token that came twice
            # would end the login.
            for _ in range(5):
                assert browser.get("/hub/home").status_code == 200
            assert site.provider.asked("/token") >= before + 5
            site.provider.set_person("renewed", None)
            page = browser.get("/hub/home", follow_redirects=True)
            assert "has ended. Please log in again" in login_error(page.text)
            # Known now: the provider is not asked by every request of that browser.
            before = site.provider.asked("/token")
            browser.get("/hub/home")
            assert site.provider.asked("/token") == before
    finally:
        site.provider.set_seconds(3600)


def test_many_requests_at_once_renew_one_after_the_other(site: Site) -> None:
    site.provider.set_seconds(2)
    try:
        with site.hub.client() as browser:
            log_in(browser, "stays")
            cookies = dict(browser.cookies)

            def visit(_: int) -> int:
                with site.hub.client(cookies=cookies) as tab:
                    return tab.get("/hub/home").status_code

            with ThreadPoolExecutor(8) as tabs:
                assert list(tabs.map(visit, range(16))) == [200] * 16
            # The provider would have ended the login of a refresh token that came twice.
            assert browser.get("/hub/home").status_code == 200
    finally:
        site.provider.set_seconds(3600)


def test_a_user_s_server_gets_fresh_data_tokens_and_nobody_else(site: Site, ada: Client) -> None:
    url = f"{site.hub.url}/hub/api/data-token"
    own = token_of_server(site, "ada")
    first = httpx.get(url, headers=own, timeout=60)
    assert first.status_code == 200
    assert 0 < first.json()["expires_in"] <= 3600
    assert first.headers["cache-control"] == "no-store"
    token = first.json()["access_token"]
    found = site.provider.data(token).json()
    assert (found["who"], found["audience"]) == ("ada", "rucio")
    # The same while it is fresh.
    assert httpx.get(url, headers=own, timeout=60).json()["access_token"] == token
    assert token not in site.hub.log

    with site.hub.client() as visitor:
        log_in(visitor, "visitor")
        scopes = {"scopes": ["access:servers!user"]}
        narrow = visitor.api("POST", "/users/visitor/tokens", json=scopes).json()["token"]
        refused = httpx.get(url, headers={"Authorization": f"token {narrow}"}, timeout=60)
        assert refused.status_code == 403
        assert visitor.api("GET", "/data-token").status_code == 403
    assert httpx.get(url, timeout=60).status_code == 403

    site.provider.set_person("ada", None)
    assert ada.get("/hub/home").status_code == 302
    assert httpx.get(url, headers=own, timeout=60).status_code == 409


READ = "import os; print(open(os.environ['BEARER_TOKEN_FILE']).read())"


MODE = "print(oct(os.stat(os.environ['BEARER_TOKEN_FILE']).st_mode & 0o777))"


def test_a_notebook_finds_a_fresh_data_token_in_a_file(site: Site) -> None:
    if lab_python() is None or kernels_prefix() is None:
        pytest.skip("needs the environments lab and stack below .platform/envs: make up")
    site.provider.set_seconds(8)
    with site.hub.client() as browser:
        log_in(browser, "scientist")
        answer = start_server(browser, "scientist", environment="stack")
        assert answer.status_code in (201, 202), answer.text
        made = browser.api("POST", "/users/scientist/tokens", json={"note": "t"}).json()["token"]
        url = f"{site.hub.url}/user/scientist/"
        lab = httpx.Client(base_url=url, headers={"Authorization": f"token {made}"}, timeout=30)
        kernel = lab.post("api/kernels", json={}).json()["id"]
        first = execute(url, made, kernel, READ).strip()
        assert execute(url, made, kernel, MODE).strip() == "0o600"
        assert site.provider.data(first).json()["who"] == "scientist"
        # Another one before that one ends.
        wait_until(
            lambda: execute(url, made, kernel, READ).strip() != first,
            seconds=30,
            what="the token was renewed",
        )
        assert site.provider.data(execute(url, made, kernel, READ).strip()).status_code == 200
        assert first not in site.hub.log
        assert first not in (site.hub.state.logs / "server-scientist.log").read_text()

        # The login ends; the server goes on, without the token, and says so.
        site.provider.set_person("scientist", None)
        notices = lambda: lab.get("km3/notices").text  # noqa: E731
        wait_until(
            lambda: "Your login has ended" in notices(),
            seconds=30,
            what="the notice that the login has ended",
        )
        assert "FileNotFoundError" in execute(url, made, kernel, READ)
    site.provider.set_seconds(3600)


def test_no_secret_is_in_log_environment_or_database(site: Site) -> None:
    import psutil

    key = site.hub.state.secret("crypt")
    assert (site.hub.state.root / "secret-crypt").stat().st_mode & 0o777 == 0o600
    hub = psutil.Process(site.hub.process.pid)
    for process in [hub, *hub.children(recursive=True)]:
        seen = " ".join([*process.cmdline(), *process.environ().values()])
        assert SECRET not in seen
        assert key not in seen
    assert SECRET not in site.hub.log
    assert not re.search(r"[?&]code=(?!\[secret\])", site.hub.log)
    with sqlite3.connect(site.hub.state.database) as database:
        stored = [row[0] for row in database.execute("select encrypted_auth_state from users")]
    assert any(stored)
    assert not any(b"access_token" in state for state in stored if state)
