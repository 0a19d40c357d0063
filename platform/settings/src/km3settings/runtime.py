"""The environment variables of the platform's processes, read once when a process starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from km3settings.state import State

__all__ = ["FILE_VARIABLE", "Mode", "Runtime"]

Mode = Literal["embedded", "docker"]

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
    proxy_token: str = ""
    """The secret that hub and proxy share (containers); empty: the state folder has it."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Runtime:
        """Returns what the variables in the README's table say.

        Raises
        ------
        ValueError
            Where `KM3_MODE` is not a mode or `KM3_PORT` is not a number.
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
            proxy_token=environment.get("CONFIGPROXY_AUTH_TOKEN", ""),
        )

    def environment(self) -> dict[str, str]:
        """Returns the same as variables for another process, without the secret."""
        found = {
            "KM3_MODE": self.mode,
            "KM3_PORT": str(self.port),
            "KM3_PROJECT": self.project,
            "KM3_STATE": str(self.state.root),
            "KM3_NODE": self.node,
            "KM3_TUTORIALS": self.tutorials,
        }
        if self.settings_file:
            found[FILE_VARIABLE] = str(self.settings_file)
        return found
