"""Logging in with a provider shaped as ESCAPE IAM: a real provider, a real hub."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.hub.login.conftest import Site, StartSite
from tests.hub.running import Client, login_error
from tests.lab.running import execute, kernels_prefix, lab_python
from tests.oidc.running import SECRET, at_provider, log_in
from tests.waiting import wait_until


def person(name: str, *groups: str) -> dict[str, Any]:
    return {"preferred_username": name, "name": name.title(), "wlcg.groups": list(groups)}


PEOPLE = {
    name: person(name, *groups)
    for name, groups in {
        "ada": ("/escape", "/escape/km3net"),
        "boss": ("/escape", "/escape/admins"),
        "bob": ("/escape",),
        "guest": ("/other",),
        "nobody": (),
        "leaver": ("/escape",),
        "climber": ("/escape",),
        "renewed": ("/escape",),
        "stays": ("/escape",),
        "visitor": ("/escape",),
        "scientist": ("/escape",),
        "site-check": ("/escape",),
    }.items()
} | {"Odd.Name": {**person("Odd.Name", "/escape"), "name": "Odd <b>Name"}}
ENVIRONMENTS = [
    {"name": "open", "title": "Open", "image": "i"},
    {"name": "closed", "title": "Closed", "image": "i", "groups": ["/escape/km3net"]},
    {"name": "stack", "title": "Stack", "image": "i"},
]


@pytest.fixture(scope="module")
def site(start_site: StartSite) -> Site:
    oidc = {
        "provider": "escape-iam",
        "allowed_groups": ["/escape"],
        "admin_groups": ["/escape/admins"],
        "token_exchange": {"audience": "rucio"},
        "check_account": "site-check",
    }
    return start_site("iam", PEOPLE, oidc, {"environments": ENVIRONMENTS})


@pytest.fixture(scope="module")
def ada(site: Site) -> Iterator[Client]:
    """A browser in which ada is logged in and has a server."""
    with site.hub.client() as browser:
        log_in(browser, "ada")
        assert start_server(browser, "ada", environment="closed").status_code in (201, 202)
        yield browser


def start_server(browser: Client, name: str, **options: str) -> httpx.Response:
    answer = browser.api("POST", f"/users/{name}/server", json=options)
    if answer.status_code in (201, 202):
        wait_until(
            lambda: browser.api("GET", f"/users/{name}").json()["servers"][""]["ready"],
            seconds=30,
            what="the server is ready",
        )
    return answer


def token_of_server(site: Site, name: str) -> dict[str, str]:
    """What the server of a user sends to the hub."""
    import psutil

    for process in psutil.Process(site.hub.process.pid).children(recursive=True):
        environment = process.environ()
        if environment.get("JUPYTERHUB_USER") == name:
            return {"Authorization": f"token {environment['JUPYTERHUB_API_TOKEN']}"}
    raise AssertionError(f"{name} has no server")


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


def test_the_way_to_the_provider_is_by_pkce_and_for_the_scopes_of_the_preset(site: Site) -> None:
    with site.hub.client() as browser:
        asked = parse_qs(urlsplit(browser.get("/hub/oauth_login").headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["scope"] == ["openid profile email wlcg.groups offline_access"]
    assert asked["redirect_uri"] == [f"{site.hub.url}/hub/oauth_callback"]


@pytest.mark.parametrize("name", ["guest", "nobody"])
def test_who_is_in_no_group_is_told_whom_to_ask(site: Site, name: str) -> None:
    with site.hub.client() as browser:
        page = log_in(browser, name)
        assert page.status_code == 403
        for words in (name, "ESCAPE IAM", "/escape", "help@example.org", "/session/end"):
            assert words in page.text
        assert browser.get("/hub/home").status_code == 302
    with sqlite3.connect(site.hub.state.database) as database:
        assert not database.execute("select * from users where name = ?", (name,)).fetchall()


def test_an_administrator_is_one_by_group(site: Site) -> None:
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


def test_an_unusual_name_becomes_one_for_folders_and_containers(site: Site) -> None:
    with site.hub.client() as browser:
        log_in(browser, "Odd.Name")
        assert re.fullmatch(r"odd-name-[a-z2-7]{16}", browser.api("GET", "/user").json()["name"])
        # Pages greet by the full name, and show it as text.
        assert "<h1>Hello, Odd &lt;b&gt;Name</h1>" in browser.get("/hub/home").text


def test_a_name_that_is_given_to_a_second_person_is_refused(site: Site) -> None:
    site.provider.set_person("first", person("wanted", "/escape"))
    site.provider.set_person("second", person("wanted", "/escape"))
    with site.hub.client() as browser:
        assert log_in(browser, "first").status_code == 200
    with site.hub.client() as browser:
        page = log_in(browser, "second")
    assert page.status_code == 403
    assert "belongs to another user" in page.text


def test_the_site_itself_starts_and_uses_the_server_of_its_own_account_only(site: Site) -> None:
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


def test_no_person_gets_the_site_s_own_account(site: Site) -> None:
    with site.hub.client() as browser:
        page = log_in(browser, "site-check")
        assert page.status_code == 403
        assert "belongs to another user" in page.text
        assert browser.get("/hub/home").status_code == 302
    assert "login.oidc.check_account" in site.hub.log


def test_the_login_leads_to_the_page_that_was_asked_for_and_nowhere_else(site: Site) -> None:
    with site.hub.client() as browser:
        page = log_in(browser, "ada", "/hub/oauth_login?next=%2Fhub%2Ftoken")
        assert urlsplit(str(page.url)).path == "/hub/token"
    with site.hub.client() as browser:
        page = log_in(browser, "ada", "/hub/oauth_login?next=%2F%2Fevil.example%2Fx")
        assert page.url.host == "127.0.0.1"


@pytest.mark.parametrize(
    "query",
    [
        "code=x",
        "code=x&state=",
        "code=x&state=forged",
        "code=x&state=e30",
        "code=x&state=MQ==",
        "code=x&state=%FF%00",
        "error=access_denied&error_description=Call+0900+12345&state=e30",
    ],
)
@pytest.mark.parametrize("begun", [False, True])
def test_a_forged_return_is_refused_with_a_sentence(site: Site, query: str, begun: bool) -> None:
    before = len(site.hub.log)
    with site.hub.client() as browser:
        if begun:
            browser.get("/hub/oauth_login")
        answer = browser.get(f"/hub/oauth_callback?{query}")
        assert answer.status_code == 400
        assert "Please log in again" in answer.text
        assert "0900" not in answer.text
        assert "Traceback" not in site.hub.log[before:]
        assert browser.get("/hub/home").status_code == 302


def test_the_return_of_another_browser_s_login_is_refused(site: Site) -> None:
    with site.hub.client() as victim, site.hub.client() as attacker:
        victim.get("/hub/oauth_login")
        page = attacker.get("/hub/oauth_login", follow_redirects=True)
        # As far as the return, but not to the hub.
        returns: list[str] = []
        attacker.event_hooks["request"] = [lambda r: returns.append(str(r.url))]
        at_provider(attacker, page, "ada")
        back = next(url for url in returns if "/hub/oauth_callback" in url)
        assert victim.get(back).status_code == 400


def test_a_login_that_is_cancelled_is_told_so(site: Site) -> None:
    with site.hub.client() as browser:
        page = browser.get("/hub/oauth_login", follow_redirects=True)
        cancel = re.search(r'href="([^"]+/abort)"', page.text)
        assert cancel
        page = browser.get(cancel[1], follow_redirects=True)
        assert page.status_code == 403
        assert "was not completed" in page.text


def test_there_is_no_password_to_send(site: Site) -> None:
    with site.hub.client() as browser:
        assert browser.login("ada", "any").status_code == 405


def test_who_leaves_the_group_is_out_and_a_server_that_runs_is_left_alone(site: Site) -> None:
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
        assert browser.get("/user/leaver/").status_code == 200
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


def test_tokens_are_renewed_while_somebody_is_logged_in(site: Site) -> None:
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


def test_groups_that_do_not_come_are_told_to_the_administrator(site: Site) -> None:
    site.provider.set_person("plain", {"preferred_username": "plain", "name": "P"})
    before = len(site.hub.log)
    with site.hub.client() as browser:
        assert log_in(browser, "plain").status_code == 403
    assert "plain came without the claim wlcg.groups" in site.hub.log[before:]


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


def test_logging_out_tells_of_the_login_at_the_provider(site: Site) -> None:
    with site.hub.client() as browser:
        log_in(browser, "bob")
        page = browser.get("/hub/logout", follow_redirects=True)
        assert "You are logged out" in page.text
        assert f"{site.provider.issuer}/session/end" in page.text
        assert browser.get("/hub/home").status_code == 302


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


@pytest.fixture
def page(site: Site, chromium: Any) -> Iterator[Any]:
    """A page of a browser in which nobody is logged in."""
    context = chromium.new_context(
        base_url=site.hub.url, viewport={"width": 1280, "height": 800}, reduced_motion="reduce"
    )
    # The provider's form asks another site for a font.
    context.route("**/*googleapis*/**", lambda route: route.abort())
    context.set_default_timeout(90_000)
    yield context.new_page()
    context.close()


def fill_in(page: Any, name: str) -> None:
    page.goto("/hub/login")
    page.get_by_role("link", name="Log in with ESCAPE IAM").click()
    page.locator("input[name=login]").fill(name)
    page.locator("input[name=password]").fill("any")
    page.get_by_role("button", name="Sign-in").click()


@pytest.mark.browser
def test_in_a_browser_a_member_comes_in_and_out_again(page: Any, tmp_path: Path) -> None:
    page.goto("/hub/login")
    page.screenshot(path=tmp_path / "login.png")
    fill_in(page, "bob")
    page.get_by_role("heading", name="Start your server").wait_for()
    page.get_by_role("link", name="Log out").click()
    page.get_by_role("heading", name="You are logged out").wait_for()
    page.get_by_role("link", name="Log out of ESCAPE IAM").wait_for()
    page.screenshot(path=tmp_path / "logout.png")


@pytest.mark.browser
def test_in_a_browser_a_stranger_reads_whom_to_ask(page: Any, tmp_path: Path) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    fill_in(page, "guest")
    page.get_by_role("heading", name="You do not have access to this platform yet").wait_for()
    page.screenshot(path=tmp_path / "refused.png")
    main = page.get_by_role("main")
    assert main.get_by_role("link", name="help@example.org").count() == 1
    page.set_viewport_size({"width": 360, "height": 740})
    page.screenshot(path=tmp_path / "refused-phone.png")
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not page.evaluate(wide)
    assert errors == []
