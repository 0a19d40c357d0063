"""The entrance for people, by the settings and on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from km3settings.entrance import Entrance
from km3settings.runtime import Mode, Runtime
from km3settings.settings import parse
from km3settings.state import State


def entrance(public_url: str | None, mode: Mode = "embedded") -> Entrance:
    settings = parse({"site": {"public_url": public_url}})
    return Entrance(settings, Runtime(mode, 8000, "km3net", State(Path("state"))))


@pytest.mark.parametrize(
    ("public_url", "local", "only_here"),
    [
        (None, "http://127.0.0.1:8000", True),
        ("https://hub.example.org", "http://127.0.0.1:8000", False),
        ("https://www.example.org/km3net", "http://127.0.0.1:8000/km3net", False),
        ("https://www.example.org/a/b-c/", "http://127.0.0.1:8000/a/b-c", False),
        ("http://localhost:8080/km3net", "http://127.0.0.1:8000/km3net", True),
        # Its own port: no web server stands between.
        ("http://[::1]:8000", "http://[::1]:8000", True),
        ("http://[::1]:8000/km3net", "http://[::1]:8000/km3net", True),
        ("http://127.0.0.2:8000", "http://127.0.0.2:8000", True),
        # Another port is a web server's.
        ("http://[::1]:8080/km3net", "http://127.0.0.1:8000/km3net", True),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8000", True),
        ("http://10.0.0.1:8000", "http://127.0.0.1:8000", False),
    ],
)
def test_the_entrance_on_this_machine(public_url: str | None, local: str, only_here: bool) -> None:
    found = entrance(public_url)
    assert found.local == local
    assert found.hub == f"{local}/hub"
    assert found.only_here is only_here


def test_containers_are_published_on_one_address() -> None:
    assert entrance("http://[::1]:8000/km3net", "docker").local == "http://127.0.0.1:8000/km3net"
