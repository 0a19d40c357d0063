"""What a process reads of its environment, and what it passes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from km3settings.runtime import Runtime
from km3settings.state import State

HUB = {
    "KM3_MODE": "docker",
    "KM3_PORT": "8500",
    "KM3_PROJECT": "km3test",
    "KM3_STATE": "/srv/km3hub",
    "KM3_PLATFORM_FILE": "/etc/km3net/platform.yaml",
    "KM3_NODE": "/usr/bin/node",
    "KM3_TUTORIALS": "/opt/tutorials",
    "KM3_USER_ORIGINS": "own",
    "KM3_SERVER_USER": "km3net-servers",
}


def test_each_variable_is_read_and_passed_on() -> None:
    runtime = Runtime.from_environment({**HUB, "CONFIGPROXY_AUTH_TOKEN": "s3cret"})
    assert runtime == Runtime(
        mode="docker",
        port=8500,
        project="km3test",
        state=State(Path("/srv/km3hub")),
        settings_file=Path("/etc/km3net/platform.yaml"),
        node="/usr/bin/node",
        tutorials="/opt/tutorials",
        server_user="km3net-servers",
        proxy_token="s3cret",
        user_origins="own",
    )
    # A secret is not for every process that the hub starts.
    assert runtime.environment() == HUB


def test_an_empty_environment_is_an_embedded_hub_with_default_settings() -> None:
    runtime = Runtime.from_environment({"KM3_PLATFORM_FILE": ""})
    assert (runtime.mode, runtime.port, runtime.project) == ("embedded", 8000, "km3net")
    assert runtime.state.root == Path(".platform").resolve()
    assert runtime.settings_file is None
    assert "KM3_PLATFORM_FILE" not in runtime.environment()


def test_a_mode_that_does_not_exist_is_named() -> None:
    with pytest.raises(ValueError, match="KM3_MODE is 'swarm'; it must be embedded or docker"):
        Runtime.from_environment({"KM3_MODE": "swarm"})
