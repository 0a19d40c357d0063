"""One click on a link to somebody's server: no token, no session, no page of another user."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import CHROMIUM, SWITCHES
from tests.hub.conftest import PASSWORD
from tests.hub.origins.conftest import AttackedHub
from tests.ports import free_ports

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def unprotected(attacked: Callable[..., AttackedHub]) -> AttackedHub:
    return attacked(protected=False)


@pytest.fixture(scope="module", params=["own", "https", "shared"])
def protected(attacked: Callable[..., AttackedHub], request: pytest.FixtureRequest) -> AttackedHub:
    """A hub: on this machine, deployed with a wildcard name, and with one host name only."""
    if request.param == "shared":
        return attacked(settings="site: {user_origins: shared}")
    if request.param == "own":
        hub = attacked()
        hub.own, hub.eve = True, f"http://eve.localhost:{hub.port}"
        return hub
    port = free_ports(2)
    address = f"https://hub.test:{port}"
    caddy = request.getfixturevalue("caddy")
    hub = attacked(settings=f"site: {{public_url: '{address}', user_origins: own}}")
    caddy(port, hub.port)
    hub.own, hub.address, hub.eve = True, address, f"https://eve.hub.test:{port}"
    return hub


@pytest.fixture(scope="module")
def browser(chromium: Browser) -> Iterator[Browser]:
    """Chromium that finds the deployed hub's names on this machine."""
    rules = "--host-resolver-rules=MAP hub.test 127.0.0.1, MAP *.hub.test 127.0.0.1"
    another = chromium.browser_type.launch(executable_path=CHROMIUM, args=[*SWITCHES, rules])
    yield another
    another.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(ignore_https_errors=True)
    context.set_default_timeout(60_000)
    page = context.new_page()
    yield page
    context.close()


def log_in(page: Page, hub: AttackedHub, name: str) -> None:
    """Log in and look at one's own server, whose cookies the browser then has."""
    hub.forget_loot()
    page.goto(f"{hub.address}/hub/login")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text(f"hello {name}")).to_be_visible()


def click(page: Page, hub: AttackedHub, mode: str, victim: str, *, below: str = "eve/") -> None:
    """Follow the link that Eve sent."""
    question = urlencode({"hub": hub.address, "victim": victim})
    page.goto(f"{hub.address}/user/{below}{mode}?{question}")


def finish(page: Page) -> None:
    """Wait until the attack has done what it can."""
    page.wait_for_function("document.title === 'done' || !document.title.includes('running')")


def still_logged_in(page: Page, hub: AttackedHub, name: str) -> bool:
    page.goto(f"{hub.address}/hub/home")
    return page.locator("#login_widget", has_text=name).count() == 1


def stolen(hub: AttackedHub, name: str = "eve") -> set[str]:
    return {loot["what"] for loot in hub.loot(name)} - {"cookies"}


# -- that the attacks are attacks ------------------------------------------------------------


def test_on_an_unprotected_hub_one_click_takes_it_over(
    unprotected: AttackedHub, page: Page
) -> None:
    log_in(page, unprotected, "root")
    click(page, unprotected, "attack", "root")
    page.wait_for_function("document.title === 'done'")
    assert {"token", "page", "home"} <= stolen(unprotected)


def test_on_an_unprotected_hub_one_click_ends_a_session(
    unprotected: AttackedHub, page: Page
) -> None:
    log_in(page, unprotected, "ada")
    click(page, unprotected, "end", "ada")
    page.wait_for_function("document.title === 'done'")
    assert not still_logged_in(page, unprotected, "ada")


# -- and that they are refused ---------------------------------------------------------------


@pytest.mark.parametrize("victim", ["root", "ada"])
def test_a_page_of_another_user_gets_nothing(
    protected: AttackedHub, page: Page, victim: str
) -> None:
    log_in(page, protected, victim)
    click(page, protected, "attack", victim)
    if protected.own:
        page.wait_for_function("document.title === 'done'")
        assert page.url.startswith(f"{protected.eve}/")
        # The attack ran, and its server was reached.
        assert [loot["what"] for loot in protected.loot()].count("cookies") >= 1
    else:
        expect(page.get_by_text("This server belongs to somebody else")).to_be_visible()
        assert protected.loot() == []
    assert stolen(protected) <= {"worker"}
    assert still_logged_in(page, protected, victim)


@pytest.mark.parametrize("mode", ["end", "leave"])
def test_a_page_of_another_user_ends_no_session(
    protected: AttackedHub, page: Page, mode: str
) -> None:
    log_in(page, protected, "ada")
    click(page, protected, mode, "ada")
    if protected.own and mode == "end":
        page.wait_for_function("document.title === 'done'")
    elif protected.own:
        expect(page.get_by_role("heading", name="Log out?")).to_be_visible()
    assert still_logged_in(page, protected, "ada")


def test_no_cookie_of_the_hub_reaches_a_users_server(protected: AttackedHub, page: Page) -> None:
    log_in(page, protected, "root")
    click(page, protected, "attack", "root")
    finish(page)
    sent = [loot["value"] for loot in protected.loot() if loot["what"] == "cookies"]
    assert bool(sent) is protected.own
    assert not any("jupyterhub-" in cookies or "_xsrf" in cookies for cookies in sent), sent


def test_the_login_form_is_never_at_a_users_address(protected: AttackedHub, page: Page) -> None:
    if not protected.own:
        pytest.skip("there is one host name only; the test of its pages is the one above")
    page.goto(f"{protected.eve}/hub/login?next=/hub/token")
    expect(page.get_by_label("User name")).to_be_visible()
    assert page.url.startswith(f"{protected.address}/hub/login")


def test_a_file_from_elsewhere_is_sandboxed_in_its_owners_browser(
    protected: AttackedHub, page: Page
) -> None:
    """An administrator opens an HTML file that somebody gave them, from their own home."""
    log_in(page, protected, "root")
    click(page, protected, "attack", "root", below="root/files/")
    finish(page)
    # With host names of their own, the file reads what is on its owner's server; no more.
    assert stolen(protected, "root") <= ({"page", "worker"} if protected.own else set())
    assert still_logged_in(page, protected, "root")


def test_owners_use_their_servers_as_before(protected: AttackedHub, page: Page) -> None:
    log_in(page, protected, "ada")
    for path in ("hub/user/ada/x", "user/ada/lab/tree/a"):
        page.goto(f"{protected.address}/{path}")
        expect(page.get_by_text("hello ada")).to_be_visible()
    # Scripts of Lab's pages work as well.
    sent = """fetch('/user/ada/loot', {method: 'POST', body: '{"what": "own", "value": ""}'})"""
    assert page.evaluate(f"{sent}.then(answer => answer.status)") == 200
    assert "own" in stolen(protected, "ada")


def test_administrators_cannot_open_servers_on_the_same_host(
    protected: AttackedHub, page: Page
) -> None:
    log_in(page, protected, "root")
    page.goto(f"{protected.address}/user/ada/lab")
    if protected.own:
        # Not without saying so: JupyterHub asks first.
        expect(page.get_by_role("button", name="Authorize")).to_be_visible()
    else:
        expect(page.get_by_text("This server belongs to somebody else")).to_be_visible()
        with protected.client() as client:
            client.login("root", PASSWORD)
            client.get("/hub/home")
            token = client.api("POST", "/users/root/tokens").json()["token"]
            scopes = client.get(
                "/hub/api/user", headers={"Authorization": f"token {token}"}
            ).json()["scopes"]
        assert "admin-ui" in scopes
        assert not any(scope == "access:servers" for scope in scopes)
