"""Where users' servers are, by the settings and by what DNS says."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, Literal

import idna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from km3settings import wildcard
from km3settings.origins import CHECK_LABEL, Origins, host_label, undecided
from km3settings.runtime import Runtime
from km3settings.settings import SettingsError, parse
from km3settings.state import State


def origins(site: dict[str, Any], found: Literal["own", "shared", ""] = "") -> Origins:
    runtime = Runtime("embedded", 8000, "km3net", State(Path("state")), user_origins=found)
    return Origins(parse({"site": site}), runtime)


@pytest.mark.parametrize(
    ("public_url", "choice", "own", "hub"),
    [
        # What `make up` prints: browsers resolve names below localhost to this machine.
        (None, "auto", True, "http://localhost:8000"),
        (None, "shared", False, "http://localhost:8000"),
        ("http://localhost:8080", "auto", True, "http://localhost:8080"),
        ("https://hub.localhost", "auto", True, "https://hub.localhost"),
        # An address has no names below it.
        ("http://127.0.0.1:8000", "auto", False, "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "auto", False, "http://[::1]:8000"),
        ("https://10.0.0.1", "auto", False, "https://10.0.0.1"),
        # Beside other pages of the site only where an administrator says so.
        ("https://www.example.org/km3net", "auto", False, "https://www.example.org"),
        ("https://www.example.org/km3net", "own", True, "https://www.example.org"),
        ("https://hub.example.org", "own", True, "https://hub.example.org"),
        ("https://Hub.example.org:8443", "own", True, "https://hub.example.org:8443"),
        ("https://hub.example.org", "shared", False, "https://hub.example.org"),
    ],
)
def test_the_settings_decide(public_url: str | None, choice: str, own: bool, hub: str) -> None:
    found = origins({"public_url": public_url, "user_origins": choice})
    assert found.own is own
    assert found.hub == hub
    assert undecided(found.settings) == ""


def test_for_a_host_name_dns_decides() -> None:
    site = {"public_url": "https://hub.example.org"}
    assert undecided(origins(site).settings) == "hub.example.org"
    assert origins(site, "own").own
    assert not origins(site, "shared").own
    # Unknown: the careful choice.
    assert not origins(site).own


@pytest.mark.parametrize("public_url", ["http://127.0.0.1:8000", "https://[2001:db8::1]"])
def test_own_names_below_an_address_are_refused(public_url: str) -> None:
    with pytest.raises(SettingsError, match="user_origins: own needs a host name"):
        parse({"site": {"public_url": public_url, "user_origins": "own"}})


def test_a_portal_below_the_hubs_name_could_be_taken_by_a_user() -> None:
    below = {"opendata": {"public_url": "https://data.hub.example.org"}}
    site = {"public_url": "https://hub.example.org"}
    settings = parse({"site": site, "services": below})
    assert undecided(settings) == ""
    state = State(Path("state"))
    assert not Origins(settings, Runtime("docker", 8000, "", state, user_origins="own")).own
    with pytest.raises(SettingsError, match=r"data\.hub\.example\.org could be the name of a user"):
        parse({"site": {**site, "user_origins": "own"}, "services": below})


@pytest.mark.parametrize(
    ("site", "cookies"),
    [
        ({"public_url": "https://hub.example.org", "user_origins": "own"}, True),
        # They would be sent to users' servers, or to other pages of the site.
        ({"public_url": "https://hub.example.org", "user_origins": "shared"}, False),
        ({"public_url": "https://www.example.org/km3net", "user_origins": "own"}, False),
        # Browsers refuse them without https.
        ({"public_url": "http://hub.example.org", "user_origins": "own"}, False),
        ({}, False),
    ],
)
def test_host_cookies_only_where_the_hub_is_alone(site: dict[str, Any], cookies: bool) -> None:
    assert origins(site).host_cookies is cookies


@given(st.text(min_size=1))
def test_every_user_gets_a_valid_label(user: str) -> None:
    label = host_label(user)
    assert len(label) <= 63
    idna.encode(label, std3_rules=True, uts46=False) if "--" not in label else None
    assert label == label.lower()
    assert label != CHECK_LABEL
    assert not label.startswith("-")
    assert not label.endswith("-")
    assert label.isascii()


def test_names_that_are_no_labels_get_a_long_hash() -> None:
    assert host_label("ada") == "ada"
    assert len(host_label("ada.b").split("--")[1]) == 32
    assert host_label("123") != "123"
    # Nobody can take the derived name of somebody else.
    assert host_label(host_label("ada.b")) != host_label("ada.b")


class Names:
    """DNS of a test."""

    def __init__(self, **known: list[str]) -> None:
        self.known = {name.replace("_", "."): found for name, found in known.items()}

    def look_up(self, name: str, *_: Any, **__: Any) -> list[Any]:
        if name not in self.known:
            raise socket.gaierror(-2, "Name or service not known")
        return [(0, 0, 0, "", (address, 0)) for address in self.known[name]]


@pytest.mark.parametrize(
    ("below", "reason"),
    [
        (["192.0.2.1"], ""),
        (["192.0.2.9", "2001:db8::1"], ""),
        (["192.0.2.9"], "DNS does not lead *.hub.example.org to the same machine"),
        (None, "DNS does not lead *.hub.example.org to the same machine"),
    ],
)
def test_the_wildcard_must_lead_to_the_hub(
    below: list[str] | None, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = Names(hub_example_org=["192.0.2.1", "2001:db8::1"])
    if below:
        names.known[f"{CHECK_LABEL}.hub.example.org"] = below
    monkeypatch.setattr(wildcard.socket, "getaddrinfo", names.look_up)
    assert wildcard.why_not("http://hub.example.org").startswith(reason)
    assert bool(wildcard.why_not("http://hub.example.org")) is bool(reason)
    settings = parse({"site": {"public_url": "http://hub.example.org"}})
    runtime = Runtime("docker", 8000, "km3net", State(Path("state")))
    assert wildcard.decide(settings, runtime).user_origins == ("shared" if reason else "own")
