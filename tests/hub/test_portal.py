"""The addresses of the Open Data Center, and the process that the hub starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from km3hub.configure.culling import configure_culling
from km3hub.configure.network import configure_network
from km3hub.configure.opendata import configure_opendata
from km3settings.members import members, too_many_members
from km3settings.names import Names
from km3settings.portal import Portal
from km3settings.runtime import Mode, Runtime
from km3settings.settings import Settings, parse
from km3settings.state import State

OUTSIDE = "https://opendata.example.org"


def portal(
    mode: Mode = "embedded", site: dict[str, Any] | None = None, **opendata: object
) -> Portal:
    settings = parse({"site": site or {}, "services": {"opendata": opendata}})
    return Portal(settings, Runtime(mode, 8000, "km3net", State(Path("state"))))


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment of a hub of embedded mode."""
    monkeypatch.setenv("KM3_STATE", str(tmp_path))
    monkeypatch.setenv("KM3_PORT", "9000")
    monkeypatch.setenv("KM3_MODE", "embedded")
    monkeypatch.setenv("DATABASE_URL", "postgresql://somewhere/else")
    return tmp_path


def services(settings: Settings) -> dict[str, dict[str, Any]]:
    """The services of a hub with these settings, by name."""
    c = Config()
    for configure in (configure_network, configure_culling, configure_opendata):
        configure(c, settings, Runtime.from_environment())
    return {service["name"]: service for service in c.JupyterHub.services}


def test_its_port_follows_the_platforms_unless_it_has_its_own() -> None:
    assert portal().local_address == "http://127.0.0.1:8090"
    assert portal(port=8500).local_address == "http://127.0.0.1:8500"


def test_users_servers_find_it_by_the_name_that_they_reach() -> None:
    embedded, containers = portal(public_url=OUTSIDE), portal("docker", public_url=OUTSIDE)
    assert embedded.server_environment()["OPENKM3_SERVER"] == "http://127.0.0.1:8090"
    variables = containers.server_environment()
    assert variables["OPENKM3_SERVER"] == "http://opendata:8090"
    assert variables["KM3_TAP_URL"] == "http://opendata:8090/vo/tap"
    assert variables["KM3_OPENDATA_URL"] == OUTSIDE
    assert containers.own_environment()["OPENDATA_HOSTS"] == "opendata"


def test_a_public_hub_links_no_address_that_only_its_own_machine_reaches() -> None:
    site = {"public_url": "https://hub.example.org"}
    assert portal(site=site).for_people == ""
    assert portal(site=site, public_url=OUTSIDE).for_people == OUTSIDE
    variables = portal(site=site).own_environment()
    assert variables["OPENDATA_HUB_URL"] == "https://hub.example.org"


def test_a_contact_that_is_not_a_mail_address_gets_no_mail_link() -> None:
    assert portal(site={"contact": "Ada"}).own_environment()["OPENDATA_CONTACT"] == ""
    mail = portal(site={"contact": "ada@example.org"}).own_environment()
    assert mail["OPENDATA_CONTACT"] == "ada@example.org"


@pytest.mark.parametrize("mode", ["embedded", "docker"])
def test_without_a_portal_openkm3_keeps_its_own_default(mode: Mode) -> None:
    assert portal(mode, enabled=False).server_environment() == {}
    assert portal(mode, enabled=False).for_people == ""


def test_the_portal_of_another_site_takes_the_place_of_ones_own() -> None:
    there = portal(enabled=False, public_url=f"{OUTSIDE}/data")
    assert there.for_people == there.for_servers == f"{OUTSIDE}/data"


def test_the_hub_starts_it_with_no_path_below_its_own_pages(state: Path) -> None:
    service = services(Settings())["opendata"]
    assert "url" not in service
    command, variables = service["command"], service["environment"]
    assert str(state / "envs" / "opendata" / "bin" / "python") in command
    assert command[-2:] == ["--migrate", "--seed"]
    assert (variables["OPENDATA_HOST"], variables["OPENDATA_PORT"]) == ("127.0.0.1", "9090")
    assert variables["OPENDATA_STATE"] == str(state / "opendata")
    assert variables["OPENDATA_HUB_URL"] == "http://localhost:9000"


def test_nothing_else_of_the_starters_environment_reaches_it(state: Path) -> None:
    variables = services(Settings())["opendata"]["environment"]
    assert "DATABASE_URL" not in variables
    assert not any("TOKEN" in name for name in variables)


def test_it_is_not_started_where_the_settings_say_so_or_compose_does(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    off = parse({"services": {"opendata": {"enabled": False}}})
    assert set(services(off)) == {"platform", "culler"}
    monkeypatch.setenv("KM3_MODE", "docker")
    assert "opendata" not in services(Settings())


def test_without_demonstration_an_empty_portal_stays_empty(state: Path) -> None:
    plain = parse({"services": {"opendata": {"demonstration": False}}})
    assert services(plain)["opendata"]["command"][-1] == "--migrate"


def test_it_takes_one_of_the_places_in_a_users_network() -> None:
    names = Names("km3net")
    more = {"containers": ["one", "two", "three"]}
    assert too_many_members(members(parse({"services": more}), names))
    off = parse({"services": more | {"opendata": {"enabled": False}}})
    assert members(off, names) == ("one", "two", "three")
    assert too_many_members(members(off, names)) is None
    assert members(Settings(), names) == ("km3net-opendata",)
