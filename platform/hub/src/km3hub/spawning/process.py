"""Users' servers as local processes: embedded mode, meant for one person's machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from jupyterhub.spawner import SimpleLocalProcessSpawner

from km3hub.settings import Settings, in_bytes
from km3hub.spawning.options import Choice, choose
from km3hub.state import Runtime

__all__ = ["EmbeddedSpawner"]

#: Variables of the hub's own process that a user's server may see; no secret is among them.
_KEPT = ["PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"]


class EmbeddedSpawner(SimpleLocalProcessSpawner):
    """A JupyterLab process a user, with a home below the state folder, on loopback only.

    The processes run as the person who started the platform: there is no isolation between
    users, and the limits of the size menu are not enforced.
    """

    platform: Settings
    runtime: Runtime
    choice: Choice

    env_keep = _KEPT

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cmd = [str(self._environment("lab") / "bin" / "python"), "-s", "-m", "km3hub.lab"]
        self.ip = "127.0.0.1"
        self.home_dir_template = str(self.runtime.state.homes / "{username}")

    def _environment(self, name: str) -> Path:
        return self.runtime.state.environments / name

    def chosen(self) -> Choice:
        """What the user chose, or the first of each menu that the user may choose."""
        groups = [group.name for group in self.user.groups] if self.user else []
        return choose(self.platform, groups, self.user_options)

    def get_env(self) -> dict[str, str]:
        """The contract of a user's server (README.md)."""
        environment: dict[str, str] = super().get_env()
        choice = self.chosen()
        prefix = self._environment(choice.environment.name)
        environment |= {
            "KM3_ENVIRONMENT": choice.environment.name,
            "KM3_SIZE": choice.size.name,
            "KM3_SIZE_TITLE": choice.size.title or choice.size.name,
            "KM3_TUTORIALS": os.environ.get("KM3_TUTORIALS", ""),
            "KM3_KERNELS": str(prefix),
            # So that `km3hub down` finds the process, whatever became of the hub.
            "KM3_STATE": str(self.runtime.state.root),
            "KM3_ROLE": "server",
            "KM3_CONTACT": self.platform.site.contact,
            "PATH": os.pathsep.join([str(prefix / "bin"), environment.get("PATH", os.defpath)]),
        }
        if self.platform.homes.quota:
            environment["KM3_HOME_QUOTA"] = str(in_bytes(self.platform.homes.quota))
        return environment

    async def start(self) -> Any:
        """Start the process; its output goes to a log of its own."""
        prefix = self._environment(self.chosen().environment.name)
        if not (prefix / "bin" / "python").exists():
            raise RuntimeError(f"The environment {prefix.name} is not installed; run: make up")
        Path(self.home_dir).mkdir(mode=0o700, parents=True, exist_ok=True)
        log = self.runtime.state.logs / f"server-{self.user.name}.log"
        with log.open("ab") as output:
            self.popen_kwargs = {"stdout": output, "stderr": subprocess.STDOUT}
            return await super().start()

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """What the page shows while the server starts."""
        yield {"progress": 20, "message": f"Starting {self.chosen().environment.title}"}
        yield {"progress": 60, "message": "Preparing your tutorials and JupyterLab"}
