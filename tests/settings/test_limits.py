"""The portal's limits in platform.yaml reach the portal, and mean there what they say."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

import pytest

from adqlite.limits import Limits
from km3settings.compose import compose_environment
from km3settings.findings import worth_knowing
from km3settings.limits import SHARED, PortalLimits, TapLimits
from km3settings.portal import Portal
from km3settings.runtime import Runtime
from km3settings.settings import Settings, SettingsError, parse
from km3settings.state import State
from opendata.configuration import Configuration
from tests.settings.test_compose import ROOT

UNITS = {"GB": 10**9, "MB": 10**6}
#: A value for each limit of TAP, and what adqlite makes of it; 1K is 1024 bytes.
TAP: dict[str, tuple[Any, str, Any]] = {
    "stored": ("20G", "stored_bytes", 21_474_836_480),
    "client_stored": ("1.5G", "client_stored_bytes", 1_610_612_736),
    "spool": ("8G", "spool_bytes", 8_589_934_592),
    "client_spool": ("1G", "client_spool_bytes", 1_073_741_824),
    "result": ("512M", "result_bytes", 536_870_912),
    "upload": ("64M", "upload_bytes", 67_108_864),
    "temporary": ("1T", "temporary_bytes", 1_099_511_627_776),
    "jobs": (900, "jobs", 900),
    "client_jobs": (20, "client_jobs", 20),
    "job_days": (0.5, "job_days", 0.5),
    "pending_minutes": (15, "pending_minutes", 15.0),
    "parallel_jobs": (3, "parallel_jobs", 3),
    "parallel_queries": (6, "parallel_queries", 6),
    "rows": (1000, "rows", 1000),
    "sync_seconds": (7.5, "sync_seconds", 7.5),
    "async_seconds": (60, "async_seconds", 60),
    "upload_refused": (
        ["2001:db8:64::/96", "192.0.2.0/24"],
        "upload_refused",
        ("2001:db8:64::/96", "192.0.2.0/24"),
    ),
}


def settings(limits: dict[str, Any]) -> Settings:
    return parse({"services": {"opendata": {"limits": limits}}})


def portal_of(limits: dict[str, Any]) -> Configuration:
    """What a portal makes of its environment, in both modes."""
    given = settings(limits)
    own = Portal(given, Runtime("embedded", 8500, "km3test", State(ROOT))).own_environment()
    compose = compose_environment(given, Runtime("docker", 8500, "km3test", State(ROOT)))
    written = (ROOT / "docker-compose.yml").read_text()
    service = dict(re.findall(r"^      (OPENDATA_\w+): \$\{(KM3_OPENDATA_\w+):-\}$", written, re.M))
    in_container = {name: compose[variable] for name, variable in service.items()}
    names = PortalLimits().environment()
    assert {name: in_container[name] for name in names} == {name: own[name] for name in names}
    return Configuration.load({name: own[name] for name in names})


def test_without_limits_the_portal_keeps_its_own() -> None:
    assert portal_of({}) == Configuration()


def test_each_limit_of_the_portal_arrives() -> None:
    found = portal_of({"upload": "200M", "requests": "2G", "drafts": "1T", "free": "1500M"})
    assert (found.upload_mb, found.spool_mb, found.free_mb) == (200, 2048, 1500)
    assert found.drafts_gb == pytest.approx(1099.511627776)
    assert Limits.model_validate(found.tap_limits).free_bytes == 1_572_864_000


@pytest.mark.parametrize("key", list(TAP))
def test_each_limit_of_tap_arrives(key: str) -> None:
    value, name, expected = TAP[key]
    found = Limits.model_validate(portal_of({"tap": {key: value}}).tap_limits)
    assert found == Limits.model_validate({name: expected})
    assert getattr(found, name) == expected != getattr(Limits(), name)


def test_the_table_of_this_test_has_every_limit() -> None:
    assert set(TAP) == set(TapLimits.model_fields)


def test_all_limits_together_are_one_variable() -> None:
    found = portal_of({"free": "1G", "tap": {key: value for key, (value, *_) in TAP.items()}})
    limits = Limits.model_validate(found.tap_limits)
    for _, name, expected in TAP.values():
        assert getattr(limits, name) == expected


@pytest.mark.parametrize("amount", ["1K", "1.5M", "0.001M"])
def test_a_small_amount_does_not_become_nothing(amount: str) -> None:
    assert portal_of({"upload": amount, "requests": amount, "free": amount}).upload_mb >= 1


def test_the_file_and_the_model_name_the_portals_defaults() -> None:
    """By the portal's own numbers; amounts there are decimal."""
    defaults = {
        name: Limits().model_dump()[TAP[name][1]] for name in TAP if name != "upload_refused"
    }
    for name, number in defaults.items():
        text = TapLimits.model_fields[name].description or ""
        said = re.search(r"default ([\d.]+) ?(GB|MB)?", text)
        assert said, name
        assert float(said[1]) * UNITS.get(said[2], 1) == number, name
    example = files("km3settings").joinpath("platform-example.yaml").read_text(encoding="utf-8")
    for words in re.findall(r"null: ([^;\n]*\d[^;\n]*(?:\n##[^#\n]*\d+ [MG]B[^\n]*)?)", example):
        for number, unit in re.findall(r"([\d.]+) (GB|MB)", words):
            known = {*defaults.values(), 100 * 10**6, 4 * 10**9, 100 * 10**9, 500 * 10**6}
            assert float(number) * UNITS[unit] in known, words


@pytest.mark.parametrize(
    "limits",
    [
        {"upload": "98G"},
        {"upload": 0},
        {"upload": "0M"},
        {"drafts": "-1G"},
        {"free": "lots"},
        {"tap": {"jobs": 0}},
        {"tap": {"jobs": 2.5}},
        {"tap": {"jobs": "50 OPENDATA_STATE=/"}},
        {"tap": {"job_days": float("nan")}},
        {"tap": {"job_days": float("inf")}},
        {"tap": {"sync_seconds": -1}},
        {"tap": {"upload_refused": ["everything"]}},
        {"tap": {"upload_refused": ["192.0.2.0/24 jobs=1"]}},
        {"tap": {"stored_bytes": 5}},
    ],
)
def test_a_limit_that_the_portal_could_not_use_is_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=r"^services\.opendata\.limits\."):
        settings(limits)


@pytest.mark.parametrize("key", ["stored", "spool", "jobs"])
def test_a_client_that_can_use_up_everything_is_reported(key: str) -> None:
    small, large = (3, 1000) if key == "jobs" else ("1G", "1T")
    for limits in ({key: small}, {f"client_{key}": large}):
        (note,) = worth_knowing(settings({"tap": limits}))
        assert f"one client can use up all of {key}; set client_{key}" in note
    assert (getattr(Limits(), TAP[key][1]), getattr(Limits(), TAP[f"client_{key}"][1])) == SHARED[
        key
    ]
    assert worth_knowing(settings({})) == []


def test_limits_of_a_portal_that_is_not_started_are_reported() -> None:
    off = {"enabled": False, "limits": {"upload": "1G"}}
    (note,) = worth_knowing(parse({"services": {"opendata": off}}))
    assert "have no effect" in note
