"""With one host name and a provider: tokens need a password that the provider just asked for."""

from __future__ import annotations

import base64
import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from km3hub.login.id_token import is_fresh
from tests.hub.login.conftest import Site, StartSite
from tests.oidc.running import at_provider, log_in

PEOPLE = {"ada": {"preferred_username": "ada", "name": "Ada", "wlcg.groups": ["/escape"]}}


@pytest.fixture(scope="module")
def site(start_site: StartSite) -> Site:
    oidc = {"provider": "escape-iam", "allowed_groups": ["/escape"]}
    return start_site("iam", PEOPLE, oidc, {"site": {"user_origins": "shared"}})


def test_the_provider_asks_for_the_password_again(site: Site) -> None:
    with site.hub.client() as browser:
        log_in(browser, "ada")
        asked = browser.get("/hub/token")
        assert asked.status_code == 302
        form = browser.get(asked.headers["Location"])
        assert "confirm that it is you" in form.text
        button = "/hub/oauth_login?next=%2Fhub%2Ftoken"
        assert f'href="{button}"' in form.text
        query = parse_qs(urlsplit(browser.get(button).headers["Location"]).query)
        assert (query["prompt"], query["max_age"]) == (["login"], ["300"])
        # Although the provider has a session of this browser.
        page = browser.get(button, follow_redirects=True)
        assert "password" in page.text
        assert urlsplit(str(at_provider(browser, page, "ada").url)).path == "/hub/token"
        assert browser.get("/hub/token").status_code == 200


def test_a_login_without_a_password_is_not_fresh(site: Site) -> None:
    with site.hub.client() as browser:
        log_in(browser, "ada")
        browser.get("/hub/logout")
        # The provider remembers; nobody enters anything.
        assert browser.get("/hub/oauth_login", follow_redirects=True).is_success
        assert browser.get("/hub/home").status_code == 200
        assert browser.get("/hub/token").status_code == 302


def token(claims: dict[str, Any] | str) -> str:
    """An ID token with these claims; nobody checks its signature."""
    text = claims if isinstance(claims, str) else json.dumps(claims)
    body = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    return f"e30.{body}.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("age", "asked", "fresh"),
    # The provider did not ask in the last one, although it should have.
    [(10, False, True), (10, True, True), (3600, True, False)],
)
def test_the_time_in_the_id_token_counts(age: float, asked: bool, fresh: bool) -> None:
    id_token = token({"auth_time": time.time() - age})
    assert is_fresh(id_token, asked=asked) is fresh


@pytest.mark.parametrize(
    ("id_token", "asked", "fresh"),
    [
        (token({}), True, True),
        (token({}), False, False),
        (None, True, True),
        (None, False, False),
        ("no token", False, False),
        (token("[]"), False, False),
        (token({"auth_time": "x"}), False, False),
    ],
)
def test_a_token_without_a_time_counts_only_after_a_question(
    id_token: str | None, asked: bool, fresh: bool
) -> None:
    assert is_fresh(id_token, asked=asked) is fresh
