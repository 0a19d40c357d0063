"""What the roles need is named for every operating system that they accept."""

from __future__ import annotations

import configparser
import re
from typing import Any

import jinja2
import pytest
import yaml

from tests.deploy.sources import DEPLOY, module

FAMILIES = {"Debian": "Debian", "Ubuntu": "Debian", "AlmaLinux": "RedHat"}


def variables(role: str, name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((DEPLOY / "roles" / role / "vars" / f"{name}.yml").read_text()))


def accepted() -> list[tuple[str, str]]:
    options = module("roles.py").main_entry(DEPLOY / "roles" / "validate")["options"]
    systems = options["validate_operating_systems"]["default"]
    return [(system, release) for system, releases in systems.items() for release in releases]


@pytest.mark.parametrize(("system", "release"), accepted())
def test_every_accepted_system_has_packages_of_base_and_engine(system: str, release: str) -> None:
    base = variables("base", FAMILIES[system])
    assert "nftables" in base["base_own_packages"]
    assert base["base_ssh"]
    assert base["base_clock"]
    engine = variables("docker", system)["docker_own_packages"]
    assert any(name.startswith("docker") for name in engine[release])


@pytest.mark.parametrize("role", ["base", "host"])
def test_families_of_systems_have_values_for_the_same_variables(role: str) -> None:
    names = {family: set(variables(role, family)) for family in FAMILIES.values()}
    assert len(set(map(frozenset, names.values()))) == 1, names


def test_packages_are_installed_in_one_place() -> None:
    # The sources of packages, and the one package of another release.
    apart = {"base/tasks/sources.yml", "docker/tasks/compose.yml"}
    own = re.compile(r"^ +(ansible\.builtin\.(apt|dnf|package)|apt|dnf|package):$", re.M)
    roles = DEPLOY / "roles"
    found = {
        str(file.relative_to(roles))
        for file in roles.glob("*/tasks/*.yml")
        if own.search(file.read_text())
    }
    assert found == apart | {"base/tasks/install.yml"}


@pytest.mark.parametrize("family", sorted(set(FAMILIES.values())))
def test_every_family_of_systems_has_a_python_for_km3host(family: str) -> None:
    packages = variables("host", family)["host_packages"]
    pythons = [name for name in packages if name.startswith("python3")]
    command = (DEPLOY / "roles/host/templates/command.j2").read_text()
    assert all(f"/usr/bin/{python}" in command for python in pythons)
    # Debian's own is new enough; that of AlmaLinux 9 is 3.9.
    assert bool(pythons) == (family == "RedHat")


@pytest.mark.parametrize(
    ("updates", "time", "applied", "reboot"),
    [(True, "", "yes", "never"), (True, "04:00", "yes", "when-needed"), (False, "", "no", "never")],
)
def test_updates_by_dnf_follow_the_settings(
    updates: bool, time: str, applied: str, reboot: str
) -> None:
    environment = jinja2.Environment(trim_blocks=True, undefined=jinja2.StrictUndefined)  # noqa: S701
    environment.filters["ternary"] = lambda value, yes, no: yes if value else no
    text = (DEPLOY / "roles/base/templates/automatic.conf.j2").read_text()
    written = configparser.ConfigParser(interpolation=None)
    written.read_string(
        environment.from_string(text).render(
            ansible_managed="by a test", base_updates=updates, base_reboot_time=time
        )
    )
    commands = written["commands"]
    assert (commands["apply_updates"], commands["reboot"]) == (applied, reboot)
    assert commands.get("reboot_command", "") == (f"shutdown -r {time}" if time else "")
    assert "docker*" in written["base"]["excludepkgs"]
