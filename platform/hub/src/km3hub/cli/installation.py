"""The settings and the addresses of the platform whose state folder is here."""

from __future__ import annotations

import os

from km3settings.entrance import Entrance
from km3settings.runtime import FILE_VARIABLE, Runtime
from km3settings.settings import Settings, load
from km3settings.state import State
from km3settings.summary import DEFAULT_FILE

__all__ = ["address_for_people", "hub_address", "runtime_of", "settings_of"]


def runtime_of(state: State) -> Runtime:
    """Returns the variables of the platform, with the port that it listens on."""
    variables = {**os.environ, "KM3_STATE": str(state.root)}
    port = state.run / "port"
    if variables.get("KM3_MODE") != "docker" and port.is_file():
        variables["KM3_PORT"] = port.read_text(encoding="ascii").strip()
    return Runtime.from_environment(variables)


def settings_of(runtime: Runtime) -> Settings:
    """Returns the settings of the platform.

    Raises
    ------
    km3settings.settings.SettingsError
        Where they are wrong.
    """
    if runtime.settings_file or not DEFAULT_FILE.exists():
        return load(runtime.settings_file)
    return load(os.environ.get(FILE_VARIABLE, DEFAULT_FILE))


def hub_address(state: State) -> str:
    """Returns the address of the hub's pages on this machine."""
    runtime = runtime_of(state)
    settings = settings_of(runtime)
    if runtime.mode == "docker":
        # Within the hub's container, whose proxy shares its network namespace.
        return f"http://127.0.0.1:8000{Entrance(settings, runtime).path}/hub"
    return Entrance(settings, runtime).hub


def address_for_people(settings: Settings, runtime: Runtime) -> str:
    """Returns the platform's address for users, without a trailing slash."""
    return settings.site.public_url or Entrance(settings, runtime).address
