"""The state folder of a running platform.

Everything that must survive a restart is in one folder: accounts, database, secrets, homes
(embedded), logs. Secrets are made at first use and readable by their owner only.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PROXY_SCRIPT", "State"]

#: The proxy's command line script below the folder of node packages.
PROXY_SCRIPT = "node_modules/configurable-http-proxy/bin/configurable-http-proxy"


@dataclass(frozen=True)
class State:
    """The paths in the state folder."""

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
        """The machine of each home (`km3hub.spawning.hosts`), where there are several."""
        return self.root / "hosts.json"

    @property
    def homes(self) -> Path:
        """Users' homes in embedded mode, one folder per user."""
        return self.root / "homes"

    @property
    def environments(self) -> Path:
        """Python environments of embedded mode: `lab` and one per entry of the menu."""
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
        """The history of the status page."""
        return self.root / "status.json"

    @property
    def first_login(self) -> Path:
        """The passwords of the accounts created by the first start."""
        return self.root / "first-login.txt"

    def create(self) -> None:
        """Create the folder, readable by its owner only."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.logs, self.run):
            folder.mkdir(exist_ok=True)

    def secret(self, name: str) -> str:
        """Returns the secret `name`: 64 hexadecimal digits, created at first use, mode 0600."""
        path = self.root / f"secret-{name}"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_text(encoding="ascii").strip()
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
        return path.read_text(encoding="ascii")
