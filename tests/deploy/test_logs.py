"""On a deployed machine the journal has the logs of everything that knows who people are."""

from __future__ import annotations

import configparser
import itertools
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from tests.deploy.sources import DEPLOY, ROOT, module

km3net = module("plugins/filter/km3net.py")
SETTINGS = {"privacy": {"log_days": 17}}
#: Services whose logs name people or their addresses.
PERSONAL = {"hub", "proxy", "opendata"}


def override(login: str, family: str, portal: bool) -> str:
    """The compose file that the role writes."""
    templates = jinja2.Environment(  # noqa: S701 -- not HTML
        loader=jinja2.FileSystemLoader(DEPLOY / "roles/platform/templates"),
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    templates.filters["km3net_log_days"] = km3net.log_days
    return templates.get_template("compose-override.yml.j2").render(
        ansible_managed="generated",
        ansible_facts={"os_family": family},
        platform_login=login,
        platform_portal=portal,
        platform_portal_gateway="10.211.0.17",
        platform_gateway="10.211.0.1",
        platform_vo_name="",
        platform_networks={"control": "10.211.0.0/28", "data": "10.211.0.16/28"},
        platform_settings=SETTINGS,
    )


combinations = pytest.mark.parametrize(
    ("login", "family", "portal"),
    [*itertools.product(["accounts", "oidc"], ["Debian", "RedHat"], [True, False])],
)


@combinations
def test_services_that_know_people_log_to_the_journal(
    login: str, family: str, portal: bool
) -> None:
    services = yaml.safe_load(override(login, family, portal))["services"]
    assert set(services) == PERSONAL - (set() if portal else {"opendata"})
    assert {service["logging"]["driver"] for service in services.values()} == {"journald"}
    assert services["hub"]["environment"]["KM3_LOGS"] == "journal"
    if portal:
        assert services["opendata"]["environment"]["OPENDATA_LOG_DAYS"] == "17"
    if login == "oidc":
        assert "/etc/ssl/certs" in services["hub"]["volumes"][0]


def _compose() -> list[str]:
    for command in (["docker", "compose"], ["docker-compose"]):
        if (
            shutil.which(command[0])
            and not subprocess.run([*command, "version"], capture_output=True).returncode
        ):
            return command
    pytest.skip("needs Docker Compose (no engine): apt-get install docker-compose")


def test_compose_drops_the_options_of_the_other_driver(tmp_path: Path) -> None:
    command = _compose()
    file = tmp_path / "override.yml"
    file.write_text(override("accounts", "Debian", portal=True))
    given = set(re.findall(r"\$\{(\w+):\?", (ROOT / "docker-compose.yml").read_text()))
    environment = {**os.environ, **dict.fromkeys(given, "x"), "COMPOSE_PROFILES": "opendata"}
    done = subprocess.run(
        [*command, "-f", ROOT / "docker-compose.yml", "-f", file, "config"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    services: dict[str, Any] = yaml.safe_load(done.stdout)["services"]
    for name, service in services.items():
        logging = service["logging"]
        if name in PERSONAL:
            # The journal's driver refuses options such as max-size, and nothing would start.
            assert logging["driver"] == "journald", name
            assert set(logging["options"]) == {"tag"}, json.dumps(logging)
        else:
            assert logging["driver"] == "json-file", name


def test_the_journal_keeps_entries_as_long_as_the_setting_says() -> None:
    tasks = yaml.safe_load((DEPLOY / "roles/platform/tasks/logs.yml").read_text())
    written = next(t["ansible.builtin.template"] for t in tasks if "ansible.builtin.template" in t)
    assert written["dest"].startswith("/etc/systemd/journald.conf.d/")
    templates = jinja2.Environment()  # noqa: S701 -- not HTML
    templates.filters["km3net_log_days"] = km3net.log_days
    source = (DEPLOY / "roles/platform/templates" / written["src"]).read_text()
    text = templates.from_string(source).render(
        ansible_managed="generated", platform_settings=SETTINGS
    )
    parsed = configparser.ConfigParser()
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read_string(text)
    assert dict(parsed["Journal"]) == {
        "Storage": "persistent",
        "MaxFileSec": "1day",
        "MaxRetentionSec": "17day",
    }
