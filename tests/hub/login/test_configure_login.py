"""What the settings make of the hub's login."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from km3hub.configure.login import configure_login
from km3hub.login.authenticator import AccountsAuthenticator
from km3hub.login.oidc import OidcAuthenticator
from km3settings.runtime import Runtime
from km3settings.settings import parse
from tests.loops import in_a_loop


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KM3_STATE", str(tmp_path))
    return tmp_path


def configured(data: object) -> Config:
    c = Config()
    configure_login(c, parse(data), Runtime.from_environment())
    return c


def test_the_settings_reach_the_authenticator(state: Path) -> None:
    login = {"attempts": 3, "pause_seconds": 7, "trusted_proxies": ["127.0.0.1"]}
    c = configured({"login": login, "site": {"contact": "the desk"}})
    authenticator = AccountsAuthenticator(config=c)
    assert authenticator.store.path == state / "accounts.json"
    assert authenticator.attempts == 3
    assert authenticator.pause_seconds == 7
    assert authenticator.trusted_proxies == ["127.0.0.1"]
    assert authenticator.contact == "the desk"
    assert authenticator.allow_all
    assert authenticator.refresh_pre_spawn


OIDC = {
    "provider": "escape-iam",
    "client_id": "the-hub",
    "client_secret_file": "oidc-secret",
    "allowed_groups": ["/escape"],
    "admin_groups": ["/escape/admins"],
}


def provider(**more: Any) -> OidcAuthenticator:
    login = {"method": "oidc", "oidc": {**OIDC, **more}}
    site = {"public_url": "https://hub.example.org"}
    return OidcAuthenticator(config=configured({"login": login, "site": site}))


def test_a_preset_fills_in_what_the_file_leaves_out(state: Path) -> None:
    authenticator = provider()
    assert authenticator.finder.address == (
        "https://iam-escape.cloud.cnaf.infn.it/.well-known/openid-configuration"
    )
    assert authenticator.login_service == "ESCAPE IAM"
    assert "wlcg.groups" in authenticator.scope
    assert authenticator.enable_pkce
    assert authenticator.oauth_callback_url == "https://hub.example.org/hub/oauth_callback"
    assert authenticator.allowed_groups == {"/escape"}
    assert authenticator.admin_groups == {"/escape/admins"}
    assert not authenticator.allow_all
    assert authenticator.any_allow_config


@in_a_loop
async def test_each_value_of_a_preset_can_be_overridden(state: Path) -> None:
    authenticator = provider(
        name="Ours",
        issuer="https://iam.example.org/",
        scopes=["openid", "profile"],
        username_claim="sub",
        groups_claim="groups",
    )
    assert authenticator.finder.address.startswith("https://iam.example.org/.well-known")
    assert authenticator.login_service == "Ours"
    assert authenticator.scope == ["openid", "profile"]
    info = {"sub": "ada", "preferred_username": "no", "groups": ["g"]}
    assert authenticator.user_info_to_username(info) == "ada"
    assert await authenticator.get_user_groups({"oauth_user": info}) == {"g"}


def test_the_secret_is_looked_for_beside_the_settings(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KM3_PLATFORM_FILE", str(state / "config" / "platform.yaml"))
    expected = [str(state / "config" / "oidc-secret"), str(state / "secret-oidc-client")]
    assert provider().secret_files == expected
    assert provider(client_secret_file="/run/x").secret_files[0] == "/run/x"


def test_the_key_for_tokens_is_made_once_and_for_the_owner_only(state: Path) -> None:
    login = {"method": "oidc", "oidc": OIDC}
    keys = [configured({"login": login}).CryptKeeper["keys"] for _ in range(2)]
    assert keys[0] == keys[1]
    assert len(keys[0][0]) == 64
    assert (state / "secret-crypt").stat().st_mode & 0o777 == 0o600
