"""What the settings make of the hub's login."""

from __future__ import annotations

from pathlib import Path

import pytest
from traitlets.config import Config

from km3hub.configure.login import configure_login
from km3hub.login.authenticator import AccountsAuthenticator
from km3hub.settings import parse


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KM3_STATE", str(tmp_path))
    return tmp_path


def configured(data: object) -> Config:
    c = Config()
    configure_login(c, parse(data))
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


@pytest.mark.parametrize(
    ("address", "prefixed"),
    [("https://hub.example.org", True), ("http://hub.example.org", False), (None, False)],
)
def test_cookies_are_bound_to_the_host_where_that_works(
    state: Path, address: str | None, prefixed: bool
) -> None:
    """Browsers drop `__Host-` cookies that do not come by https."""
    c = configured({"site": {"public_url": address}})
    assert c.JupyterHub.cookie_host_prefix_enabled is prefixed
