"""Returns from the provider: forged, from another browser, or cancelled."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from tests.hub.login.conftest import Site
from tests.oidc.running import at_provider, log_in


def test_the_login_leads_only_to_the_requested_page(site: Site) -> None:
    with site.hub.client() as browser:
        page = log_in(browser, "ada", "/hub/oauth_login?next=%2Fhub%2Ftoken")
        assert urlsplit(str(page.url)).path == "/hub/token"
    with site.hub.client() as browser:
        page = log_in(browser, "ada", "/hub/oauth_login?next=%2F%2Fevil.example%2Fx")
        assert page.url.host == "localhost"


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
def test_a_forged_callback_is_refused_with_a_sentence(site: Site, query: str, begun: bool) -> None:
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


def test_a_callback_from_another_browsers_login_is_refused(site: Site) -> None:
    with site.hub.client() as victim, site.hub.client() as attacker:
        victim.get("/hub/oauth_login")
        page = attacker.get("/hub/oauth_login", follow_redirects=True)
        # As far as the return, but not to the hub.
        returns: list[str] = []
        attacker.event_hooks["request"] = [lambda r: returns.append(str(r.url))]
        at_provider(attacker, page, "ada")
        back = next(url for url in returns if "/hub/oauth_callback" in url)
        assert victim.get(back).status_code == 400


def test_a_cancelled_login_gets_a_clear_page(site: Site) -> None:
    with site.hub.client() as browser:
        page = browser.get("/hub/oauth_login", follow_redirects=True)
        cancel = re.search(r'href="([^"]+/abort)"', page.text)
        assert cancel
        page = browser.get(cancel[1], follow_redirects=True)
        assert page.status_code == 403
        assert "was not completed" in page.text


def test_a_password_login_is_not_possible(site: Site) -> None:
    with site.hub.client() as browser:
        assert browser.login("ada", "any").status_code == 405


def test_the_logout_page_mentions_the_login_at_the_provider(site: Site) -> None:
    with site.hub.client() as browser:
        log_in(browser, "bob")
        page = browser.get("/hub/logout", follow_redirects=True)
        assert "You are logged out" in page.text
        assert f"{site.provider.issuer}/session/end" in page.text
        assert browser.get("/hub/home").status_code == 302
