"""What docker-compose.yml is given of the settings, checked with Compose's own file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from km3settings.cli import main
from km3settings.compose import compose_environment
from km3settings.runtime import Runtime
from km3settings.settings import Settings, parse
from km3settings.state import State

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = Runtime("docker", 8500, "km3test", State(Path("state")))
SETTINGS: dict[str, Any] = {
    "site": {"contact": "help@example.org", "public_url": "https://www.example.org/km3net"},
    "services": {
        "opendata": {"public_url": "https://data.example.org", "demonstration": False},
        "containers": ["vo"],
    },
    "spawner": {
        "egress": "none",
        "egress_allow": [
            {"network": "10.20.0.0/16"},
            {"network": "fd00:20::7", "ports": [443, "1094-1095"]},
        ],
        "egress_deny": ["192.0.2.0/24", "2001:db8::/32"],
    },
}


def test_each_variable_says_what_the_settings_say() -> None:
    variables = compose_environment(parse(SETTINGS), RUNTIME)
    assert variables["COMPOSE_PROFILES"] == "opendata"
    assert (variables["KM3_PROJECT"], variables["KM3_PORT"], variables["KM3_PATH"]) == (
        "km3test", "8500", "/km3net",
    )  # fmt: skip
    assert variables["KM3_EGRESS"] == "none"
    assert variables["KM3_EGRESS_ALLOW"] == "10.20.0.0/16,fd00:20::7/128=443+1094-1095"
    assert variables["KM3_EGRESS_DENY"] == "192.0.2.0/24,2001:db8::/32"
    assert variables["KM3_SERVICES"] == "km3test-opendata,vo"
    assert (variables["KM3_OPENDATA_PORT"], variables["KM3_OPENDATA_OPTIONS"]) == (
        "8590",
        "--migrate",
    )
    assert variables["KM3_OPENDATA_URL"] == "https://data.example.org"
    assert variables["KM3_OPENDATA_CONTACT"] == "help@example.org"
    assert variables["KM3_HUB_URL"] == "https://www.example.org/km3net"
    # The kernel takes 15 characters for an interface; a user's bridge adds 8.
    assert len(variables["KM3_BRIDGES"]) == 7
    assert "KM3_SPAWNER" not in variables


def test_without_a_portal_compose_leaves_it_out() -> None:
    off = parse({"services": {"opendata": {"enabled": False}}})
    variables = compose_environment(off, RUNTIME)
    assert variables["COMPOSE_PROFILES"] == variables["KM3_SERVICES"] == ""


def test_the_keeper_gets_the_swarm_spawner() -> None:
    swarm = compose_environment(parse({"spawner": {"kind": "swarm"}}), RUNTIME)
    assert swarm["KM3_SPAWNER"] == "swarm"


def test_every_setting_but_the_banner_recreates_the_hub() -> None:
    def digest(**settings: Any) -> str:
        return compose_environment(parse(settings), RUNTIME)["KM3_SETTINGS"]

    assert digest(site={"banner": {"text": "Maintenance"}}) == digest()
    assert digest(site={"name": "Other"}) != digest()
    assert digest(culling={"idle_minutes": 7}) != digest()


def test_the_compose_file_uses_each_of_them() -> None:
    used = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    given = set(compose_environment(parse({"spawner": {"kind": "swarm"}}), RUNTIME))
    assert given - {"COMPOSE_PROFILES"} <= used


def test_they_are_printed_as_lines_of_an_environment_file(tmp_path: Path) -> None:
    file = tmp_path / "platform.yaml"
    file.write_text("spawner: {egress: none}\n")
    words = ["compose-env", str(file), "--project", "km3test", "--port", "8500"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0
    lines = dict(line.split("=", 1) for line in result.output.splitlines())
    settings = Settings.model_validate({"spawner": {"egress": "none"}})
    assert lines == compose_environment(settings, RUNTIME)


@pytest.mark.parametrize("text", ["spawner: {egress: nowhere}", "spawner: ["])
def test_a_wrong_file_is_a_sentence(tmp_path: Path, text: str) -> None:
    file = tmp_path / "platform.yaml"
    file.write_text(text)
    result = CliRunner().invoke(main, ["compose-env", str(file)])
    assert result.exit_code == 2
    assert str(file) in result.output
