"""What the platform adds to the environment that `make up` was started with."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from km3settings.proxies import LOOPBACK, beside_loopback
from km3up.started_from import completed

PROXY = "http://proxy.example.org:3128"


@pytest.mark.parametrize(
    ("environment", "locale"),
    [
        ({}, "C.UTF-8"),
        ({"LANG": "C"}, "C.UTF-8"),
        ({"LC_ALL": "POSIX", "LANG": "de_DE.UTF-8"}, "C.UTF-8"),
        ({"LANG": "de_DE.ISO-8859-1"}, "C.UTF-8"),
        ({"LC_ALL": "", "LC_CTYPE": "C", "LANG": "de_DE.UTF-8"}, "C.UTF-8"),
        ({"LANG": "de_DE.UTF-8"}, None),
        ({"LANG": "C.utf8"}, None),
        ({"LC_ALL": "el_GR.UTF-8", "LANG": "C"}, None),
    ],
)
def test_every_letter_can_be_written(environment: dict[str, str], locale: str | None) -> None:
    assert completed(environment, Path("/state")).get("LC_ALL") == locale


def test_only_variables_missing_under_cron_are_added() -> None:
    added = completed({}, Path("/state"))
    assert added == {"LC_ALL": "C.UTF-8", "HOME": str(Path.home()), "PATH": os.defpath}
    given = {"LANG": "C.UTF-8", "HOME": "/home/ada", "PATH": "/opt/bin"}
    assert completed(given, Path("/state")) == {}


@pytest.mark.parametrize("name", ["http_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
def test_loopback_goes_past_every_proxy(name: str) -> None:
    found = beside_loopback({name: PROXY, "SECRET": "x"})
    assert found == {name: PROXY, "no_proxy": ",".join(LOOPBACK), "NO_PROXY": ",".join(LOOPBACK)}


def test_addresses_that_bypassed_the_proxy_still_do() -> None:
    environment = {"https_proxy": PROXY, "NO_PROXY": ".example.org, localhost"}
    direct = ".example.org,localhost,127.0.0.1,::1"
    assert beside_loopback(environment)["no_proxy"] == direct
    assert beside_loopback({"https_proxy": PROXY, "no_proxy": "*"})["NO_PROXY"] == "*"


def test_without_a_proxy_there_is_nothing_to_say() -> None:
    assert beside_loopback({"no_proxy": "example.org", "https_proxy": ""}) == {}
