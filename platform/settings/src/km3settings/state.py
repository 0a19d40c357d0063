"""The state folder of a running platform, and what the hub's process is told about itself.

Everything that must survive a restart lies below one folder: accounts, database, secrets, homes
(embedded), logs. Secrets are made at first use and readable by their owner only.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["PROXY_SCRIPT", "Mode", "Runtime", "State"]

Mode = Literal["embedded", "docker"]
#: The proxy's command line script below the folder of node packages.
PROXY_SCRIPT = "node_modules/configurable-http-proxy/bin/configurable-http-proxy"


@dataclass(frozen=True)
class State:
    """Where each file of the state folder lies."""

    root: Path

    @property
    def accounts(self) -> Path:
        """The file of accounts (`km3hub.login.accounts`)."""
        return self.root / "accounts.json"

    @property
    def database(self) -> Path:
        """The hub's SQLite database."""
        return self.root / "hub.sqlite"

    @property
    def hosts(self) -> Path:
        """Which home is on which machine (`km3hub.spawning.hosts`), where there are several."""
        return self.root / "hosts.json"

    @property
    def homes(self) -> Path:
        """Users' homes in embedded mode, one folder a user."""
        return self.root / "homes"

    @property
    def environments(self) -> Path:
        """Python environments of embedded mode: `lab` and one a choice of the menu."""
        return self.root / "envs"

    @property
    def proxy(self) -> Path:
        """The proxy's node packages in embedded mode."""
        return self.root / "proxy"

    @property
    def opendata(self) -> Path:
        """Database, files and secrets of the Open Data Center in embedded mode."""
        return self.root / "opendata"

    @property
    def logs(self) -> Path:
        """Logs of the hub, of users' servers and of image builds."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """Process ids and locks."""
        return self.root / "run"

    @property
    def status(self) -> Path:
        """What the status page remembers."""
        return self.root / "status.json"

    @property
    def first_login(self) -> Path:
        """The passwords of the accounts that the first start created."""
        return self.root / "first-login.txt"

    def create(self) -> None:
        """Make the folder; only its owner may look inside."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.logs, self.run):
            folder.mkdir(exist_ok=True)

    def secret(self, name: str) -> str:
        """The secret `name`: 64 hexadecimal digits, made at first use, mode 0600."""
        path = self.root / f"secret-{name}"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_text(encoding="ascii").strip()
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
        return path.read_text(encoding="ascii")


@dataclass(frozen=True)
class Runtime:
    """What this hub is: its mode, its public port, its names and its state folder."""

    mode: Mode
    port: int
    project: str
    state: State

    @classmethod
    def from_environment(cls) -> Runtime:
        """Read the contract of README.md: `KM3_MODE`, `KM3_PORT`, `KM3_PROJECT`, `KM3_STATE`."""
        mode = os.environ.get("KM3_MODE", "embedded")
        if mode not in ("embedded", "docker"):
            raise ValueError(f"KM3_MODE is {mode!r}; it must be embedded or docker")
        return cls(
            mode="docker" if mode == "docker" else "embedded",
            port=int(os.environ.get("KM3_PORT", "8000")),
            project=os.environ.get("KM3_PROJECT", "km3net"),
            state=State(Path(os.environ.get("KM3_STATE", ".platform")).resolve()),
        )

    def environment(self) -> dict[str, str]:
        """The variables that tell the hub's process all this."""
        return {
            "KM3_MODE": self.mode,
            "KM3_PORT": str(self.port),
            "KM3_PROJECT": self.project,
            "KM3_STATE": str(self.state.root),
        }
