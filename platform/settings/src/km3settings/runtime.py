"""The environment variables of the platform's processes, read once when a process starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from km3settings.state import State

__all__ = ["FILE_VARIABLE", "Logs", "Mode", "Runtime"]

Mode = Literal["embedded", "docker"]
#: Who keeps the logs: the state folder, the Docker Engine, or the journal of a deployed machine.
Logs = Literal["files", "engine", "journal"]

_Origins = Literal["own", "shared", ""]
_ORIGINS: dict[str, _Origins] = {"own": "own", "shared": "shared"}

#: Names the file that holds the settings.
FILE_VARIABLE = "KM3_PLATFORM_FILE"


@dataclass(frozen=True)
class Runtime:
    """Mode, port, names and folders of one running platform."""

    mode: Mode
    port: int
    """The login page's port on this machine."""
    project: str
    """Prefix of the names of containers, volumes and networks."""
    state: State
    settings_file: Path | None = None
    """`platform.yaml`; None: the defaults are in effect."""
    node: str = "node"
    """The program that runs the proxy (embedded)."""
    tutorials: str = ""
    """The folder of the pristine tutorials (embedded)."""
    server_user: str = ""
    """The unprivileged user for servers, where the platform runs as root (embedded)."""
    proxy_token: str = ""
    """The secret that hub and proxy share (containers); empty: the state folder has it."""
    user_origins: _Origins = ""
    """What the start of the platform found out about users' host names (`origins.py`)."""
    homes: str = ""
    """What enforces the limits of homes (containers); empty: no service for homes runs."""
    journal: bool = False
    """Whether the journal of the machine keeps the containers' logs, as on deployed machines."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Runtime:
        """Returns what the variables in the README's table say.

        Raises
        ------
        ValueError
            If `KM3_MODE` is not a mode or `KM3_PORT` is not a number.
        """
        mode = environment.get("KM3_MODE", "embedded")
        if mode not in ("embedded", "docker"):
            raise ValueError(f"KM3_MODE is {mode!r}; it must be embedded or docker")
        file = environment.get(FILE_VARIABLE)
        return cls(
            mode="docker" if mode == "docker" else "embedded",
            port=int(environment.get("KM3_PORT", "8000")),
            project=environment.get("KM3_PROJECT", "km3net"),
            state=State(Path(environment.get("KM3_STATE", ".platform")).resolve()),
            settings_file=Path(file) if file else None,
            node=environment.get("KM3_NODE", "node"),
            tutorials=environment.get("KM3_TUTORIALS", ""),
            server_user=environment.get("KM3_SERVER_USER", ""),
            proxy_token=environment.get("CONFIGPROXY_AUTH_TOKEN", ""),
            user_origins=_ORIGINS.get(environment.get("KM3_USER_ORIGINS", ""), ""),
            homes=environment.get("KM3_HOMES", ""),
            journal=environment.get("KM3_LOGS", "") == "journal",
        )

    @property
    def logs(self) -> Logs:
        """Who keeps the logs."""
        if self.mode == "embedded":
            return "files"
        return "journal" if self.journal else "engine"

    def environment(self) -> dict[str, str]:
        """Returns the same as variables for another process, without the secret."""
        found = {
            "KM3_MODE": self.mode,
            "KM3_PORT": str(self.port),
            "KM3_PROJECT": self.project,
            "KM3_STATE": str(self.state.root),
            "KM3_NODE": self.node,
            "KM3_TUTORIALS": self.tutorials,
            "KM3_USER_ORIGINS": self.user_origins,
        }
        if self.server_user:
            found["KM3_SERVER_USER"] = self.server_user
        if self.journal:
            found["KM3_LOGS"] = "journal"
        if self.settings_file:
            found[FILE_VARIABLE] = str(self.settings_file)
        return found
