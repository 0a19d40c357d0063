"""What the settings mean for JupyterHub's host names and cookies."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from traitlets.config import Config

from km3hub.configure.network import configure_network
from km3hub.configure.origins import configure_origins
from km3settings.origins import Origins
from km3settings.runtime import Runtime
from km3settings.settings import parse
from km3settings.state import State


def configured(
    tmp_path: Path, site: dict[str, Any], found: Literal["own", "shared", ""] = ""
) -> Config:
    state = State(tmp_path)
    runtime = Runtime("embedded", 8000, "km3net", state, user_origins=found)
    c = Config()
    configure_origins(c, Origins(parse({"site": site}), runtime))
    return c


@pytest.mark.parametrize(
    ("site", "found", "host", "public", "prefixed"),
    [
        ({}, "", "http://localhost:8000", "http://localhost:8000/", False),
        ({"public_url": "https://hub.example.org"}, "own", "https://hub.example.org",
         "https://hub.example.org/", True),
        # Without https, browsers drop cookies with the prefix.
        ({"public_url": "http://hub.example.org"}, "own", "http://hub.example.org",
         "http://hub.example.org/", False),
        # With the prefix, a user's server would receive the login cookie of every visitor.
        ({"public_url": "https://hub.example.org"}, "shared", None,
         "https://hub.example.org/", False),
        ({"public_url": "https://www.example.org/km3net"}, "", None,
         "https://www.example.org/km3net/", False),
        ({"public_url": "https://www.example.org/km3net", "user_origins": "own"}, "",
         "https://www.example.org", "https://www.example.org/km3net/", False),
    ],
)  # fmt: skip
def test_host_names_and_cookies(  # noqa: PLR0917
    tmp_path: Path, site: dict[str, Any], found: Any, host: str | None, public: str, prefixed: bool
) -> None:
    c = configured(tmp_path, site, found)
    assert c.JupyterHub.get("subdomain_host") == host
    assert c.JupyterHub.public_url == public
    assert c.JupyterHub.cookie_host_prefix_enabled is prefixed
    cookies = c.JupyterHub.tornado_settings
    assert cookies["cookie_options"] == {"samesite": "Lax"}
    assert cookies["xsrf_cookie_kwargs"]["secure"] is public.startswith("https")


def test_users_with_odd_names_have_host_names_of_their_own(tmp_path: Path) -> None:
    hook = configured(tmp_path, {}).JupyterHub.subdomain_hook
    names = ["ada", "ada.b", "ada@b", "ada_b", "u-adab", "Ada.b", "ада", "localhost"]
    hosts = [hook(name, "hub.example.org", "user") for name in names]
    assert len({*hosts}) == len(names)
    assert hosts[0] == "ada.hub.example.org"
    assert all(host.removesuffix(".hub.example.org").count(".") == 0 for host in hosts)
    assert hook("ada", "hub.example.org", "service") == "ada--service.hub.example.org"


def test_the_embedded_proxy_gets_the_rules(tmp_path: Path) -> None:
    c = Config()
    state = State(tmp_path)
    configure_network(c, parse({}), Runtime("embedded", 8123, "km3net", state, node="node"))
    command = c.ConfigurableHTTPProxy.command
    assert command[0] == "env"
    assert "KM3_USER_ORIGINS=own" in command
    assert "KM3_HUB_ORIGIN=http://localhost:8123" in command
    at = command.index("--import")
    assert command[at + 1] == (state.proxy / "origins.mjs").as_uri()
    # No secret in a command that every user of the machine can read.
    assert not any(state.secret("proxy") in word for word in command)
