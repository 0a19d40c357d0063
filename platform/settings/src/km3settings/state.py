"""The state folder of a running platform.

Everything that must survive a restart is in one folder: accounts, database, secrets, homes
(embedded), logs. Secrets are made at first use and readable by their owner only.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PROXY_ORIGINS", "PROXY_SCRIPT", "State"]

#: The proxy's command line script below the folder of node packages.
PROXY_SCRIPT = "node_modules/configurable-http-proxy/bin/configurable-http-proxy"
#: What is loaded into it, to keep users' servers apart from the hub's pages.
PROXY_ORIGINS = "origins.mjs"


@dataclass(frozen=True)
class State:
    """The paths in the state folder."""

    root: Path

    @property
    def accounts(self) -> Path:
        """The file of accounts (`km3hub.login.accounts`)."""
        return self.root / "accounts.json"

    @property
    def access(self) -> Path:
        """Which logins and tokens of each name are still valid (`km3hub.login.access`)."""
        return self.root / "access.json"

    @property
    def sessions(self) -> Path:
        """The browser sessions of the hub (`km3hub.login.sessions`)."""
        return self.root / "sessions.json"

    @property
    def front_servers(self) -> Path:
        """Web servers in front that `login.trusted_proxies` does not name."""
        return self.root / "front-servers.json"

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
    def robots(self) -> Path:
        """What the robots found in their last round (`km3hub.robots.results`)."""
        return self.root / "robots.json"

    @property
    def robots_portal(self) -> Path:
        """The portal's tokens for test alerts of the robots; absent: they send none."""
        return self.root / "robots-portal.json"

    @property
    def usage(self) -> Path:
        """The ledger of what users' servers used (`km3hub.usage.ledger`)."""
        return self.root / "usage.sqlite"

    @property
    def pause(self) -> Path:
        """Why no new servers are started (`km3hub.usage.pause`); absent: they are."""
        return self.root / "pause.json"

    @property
    def teaching(self) -> Path:
        """What teachers and participants of workshops exchange (`km3hub.teaching`)."""
        return self.root / "teaching.sqlite"

    @property
    def teaching_files(self) -> Path:
        """Files that teachers published and collected."""
        return self.root / "teaching-files"

    @property
    def workshops(self) -> Path:
        """The workshops, their handouts and the archives of their homes (`km3hub.workshops`)."""
        return self.root / "workshops"

    @property
    def workshops_file(self) -> Path:
        """The file of workshops (`km3hub.membership.store`)."""
        return self.workshops / "workshops.sqlite"

    @property
    def first_login(self) -> Path:
        """The passwords of the accounts created by the first start."""
        return self.root / "first-login.txt"

    @property
    def mark(self) -> str:
        """What users' servers have in their environment instead of the folder's path."""
        return hashlib.sha256(str(self.root).encode()).hexdigest()[:16]

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
