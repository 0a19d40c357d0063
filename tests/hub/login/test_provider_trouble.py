"""A provider shaped as EGI Check-in: names and groups, and what happens when something is wrong."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import pytest

from km3hub.login.client import ProviderTrouble
from km3hub.login.oidc import OidcAuthenticator
from km3settings.provider import Oidc
from tests.hub.login.conftest import Site, StartSite
from tests.hub.running import Client
from tests.loops import in_a_loop
from tests.oidc.running import SECRET, log_in

ADA = "0123456789abcdef" * 4 + "@egi.eu"


def member(*roles: str) -> list[str]:
    return [f"urn:mace:egi.eu:group:vo.km3net.org:role={role}#aai.egi.eu" for role in roles]


PEOPLE = {
    "ada": {"voperson_id": ADA, "eduperson_entitlement": member("member")},
    "boss": {"voperson_id": f"{'b' * 64}@egi.eu", "eduperson_entitlement": member("member", "ops")},
    "liar": {"voperson_id": f"{'c' * 64}@egi.eu", "eduperson_entitlement": ["vo.km3net.org"]},
    "nameless": {"preferred_username": "ada", "eduperson_entitlement": member("member")},
}


@pytest.fixture(scope="module")
def dark_site(start_site: StartSite) -> Site:
    """A hub that was started while its provider was down."""
    oidc = {
        "provider": "egi-check-in",
        "client_authentication": "post",
        "allowed_groups": ["vo.km3net.org"],
        "admin_groups": ["vo.km3net.org:ops"],
    }
    return start_site("egi", PEOPLE, oidc, provider_up=False)


@pytest.fixture(scope="module")
def site(dark_site: Site) -> Site:
    """The same hub, and the provider is up."""
    dark_site.provider.start()
    return dark_site


def test_a_hub_that_starts_without_its_provider_says_so_on_the_page(dark_site: Site) -> None:
    with dark_site.hub.client() as browser:
        assert browser.get("/hub/login").status_code == 200
        page = browser.get("/hub/oauth_login")
    assert page.status_code == 503
    assert re.search(r"<h1>\s*Not available right now", page.text)
    assert "Logging in with EGI Check-in is not possible at the moment" in page.text
    assert "Traceback" not in dark_site.hub.log


@pytest.fixture
def browser(site: Site) -> Iterator[Client]:
    with site.hub.client() as client:
        yield client


def test_a_member_of_the_vo_gets_a_short_name(browser: Client) -> None:
    assert log_in(browser, "ada").status_code == 200
    user = browser.api("GET", "/user").json()
    assert user["name"] == "egi-w4ndreq74crpqgzj"
    assert "vo.km3net.org" in user["groups"]
    assert user["admin"] is False


def test_a_role_in_the_vo_makes_an_administrator(browser: Client) -> None:
    log_in(browser, "boss")
    assert browser.api("GET", "/user").json()["admin"] is True


def test_a_name_that_is_not_an_egi_entitlement_gives_no_access(browser: Client) -> None:
    assert log_in(browser, "liar").status_code == 403


def test_without_data_services_there_are_no_data_tokens(browser: Client) -> None:
    log_in(browser, "ada")
    assert browser.api("GET", "/data-token").status_code == 404


def test_a_provider_that_sends_no_name_is_reported_to_the_administrator(
    site: Site, browser: Client
) -> None:
    before = len(site.hub.log)
    page = log_in(browser, "nameless")
    assert page.status_code == 503
    assert "Logging in with EGI Check-in is not possible at the moment" in page.text
    assert "help@example.org" in page.text
    assert "the claim voperson_id (login.oidc.username_claim) is missing" in site.hub.log[before:]


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        ("another-secret", 0o600, "invalid_client; it does not accept this hub"),
        (SECRET, 0o644, "is readable or writable by others (mode 0644); run: chmod 600"),
        ("", 0o600, "must contain only the client secret"),
        ("two words", 0o600, "must contain only the client secret"),
        (None, 0, "does not exist"),
    ],
)
def test_a_wrong_client_secret_is_reported_and_a_new_one_takes_effect_at_once(
    site: Site, browser: Client, text: str | None, mode: int, words: str
) -> None:
    before = len(site.hub.log)
    try:
        site.secret_file.unlink()
        if text is not None:
            site.secret_file.write_text(text)
            site.secret_file.chmod(mode)
        page = log_in(browser, "ada")
    finally:
        site.secret_file.write_text(SECRET)
        site.secret_file.chmod(0o600)
    assert page.status_code == 503
    assert "Logging in with EGI Check-in is not possible at the moment" in page.text
    assert words in site.hub.log[before:]
    assert "Traceback" not in site.hub.log[before:]
    assert not text or text not in site.hub.log[before:]
    assert log_in(browser, "ada").status_code == 200


def test_a_copy_in_the_state_folder_serves_a_hub_that_may_not_read_the_file(
    site: Site, browser: Client
) -> None:
    from km3settings.secret import copied_secret, keep_secret

    keep_secret(site.hub.state, SECRET)
    copy = copied_secret(site.hub.state)
    assert copy.stat().st_mode & 0o777 == 0o600
    aside = site.secret_file.rename(site.secret_file.with_suffix(".aside"))
    try:
        assert log_in(browser, "ada").status_code == 200
    finally:
        aside.rename(site.secret_file)
        copy.unlink()


def test_a_provider_that_is_down_throws_nobody_out(site: Site, browser: Client) -> None:
    log_in(browser, "ada")
    before = len(site.hub.log)
    site.provider.stop()
    try:
        assert browser.get("/hub/home").status_code == 200
        assert browser.get("/hub/spawn").status_code == 200
    finally:
        site.provider.start()
    assert "Traceback" not in site.hub.log[before:]
    # The provider has forgotten everybody meanwhile.
    assert browser.get("/hub/home").status_code == 302
    assert log_in(browser, "ada").status_code == 200


@in_a_loop
async def test_a_wrong_issuer_is_reported_to_the_administrator(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = f"{site.provider.issuer}/realms/none"
    oidc = {"provider": "generic", "issuer": wrong, "client_id": "i", "client_secret_file": "f"}
    section = Oidc.model_validate({**oidc, "allow_all": True})
    authenticator = OidcAuthenticator(oidc=section, log=logging.getLogger("login"))
    with pytest.raises(ProviderTrouble) as caught:
        await authenticator.ready()
    assert caught.value.status_code == 503
    assert f"{wrong}/.well-known/openid-configuration" in caplog.text
    assert "is login.oidc.issuer right?" in caplog.text
