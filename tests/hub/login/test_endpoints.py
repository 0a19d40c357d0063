"""Finding a provider's addresses in its own description."""

from __future__ import annotations

from typing import Any

import pytest

from km3hub.login.endpoints import DiscoveryError, Endpoints, Finder
from km3settings.provider import Oidc
from tests.loops import in_a_loop

ISSUER = "https://login.example.org/realms/science"
GOOD = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/auth",
    "token_endpoint": f"{ISSUER}/token",
    "userinfo_endpoint": f"{ISSUER}/userinfo",
}


def oidc(**more: Any) -> Oidc:
    given = {"provider": "generic", "issuer": ISSUER, "client_id": "i", "client_secret_file": "f"}
    return Oidc.model_validate({**given, "allow_all": True, **more})


async def found(description: object, **more: Any) -> Endpoints:
    async def fetch(address: str) -> object:
        assert address == f"{ISSUER}/.well-known/openid-configuration"
        return description

    return await Finder(oidc(**more), fetch).endpoints()


@in_a_loop
async def test_the_description_names_the_addresses() -> None:
    assert (await found(GOOD)).token_endpoint == f"{ISSUER}/token"
    # INDIGO IAM writes its own name with a slash at the end.
    slash = await found({**GOOD, "issuer": f"{ISSUER}/"})
    assert slash.userinfo_endpoint == f"{ISSUER}/userinfo"


@in_a_loop
async def test_an_address_in_the_settings_wins() -> None:
    assert (await found(GOOD, token_url="https://elsewhere.org/t")).token_endpoint == (
        "https://elsewhere.org/t"
    )


@in_a_loop
async def test_where_the_settings_name_all_the_provider_is_not_asked() -> None:
    urls = {k: f"https://x.org/{k}" for k in ("authorize_url", "token_url", "userinfo_url")}

    async def fetch(address: str) -> object:
        raise AssertionError(address)

    assert (await Finder(oidc(**urls), fetch).endpoints()).end_session_endpoint == ""


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ({**GOOD, "issuer": "https://evil.org"}, "describes the issuer https://evil.org"),
        ({}, r"describes the issuer \(none\)"),
        ([GOOD], "is not the configuration"),
        ({**GOOD, "token_endpoint": "http://login.example.org/token"}, "without https"),
        ({"issuer": ISSUER}, "does not name: authorization_endpoint, token_endpoint"),
    ],
)
@in_a_loop
async def test_a_description_that_cannot_be_used_is_refused(
    description: object, words: str
) -> None:
    with pytest.raises(DiscoveryError, match=words):
        await found(description)


@in_a_loop
async def test_the_description_is_asked_for_again_after_an_hour_only() -> None:
    now, asked = [0.0], []

    async def fetch(address: str) -> object:
        asked.append(now[0])
        return GOOD

    finder = Finder(oidc(), fetch, clock=lambda: now[0])
    for moment in (0, 3599, 3601, 3700):
        now[0] = moment
        await finder.endpoints()
    assert asked == [0, 3601]
