"""Users' servers as local processes (embedded mode), for one person's machine."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyterhub.spawner import SimpleLocalProcessSpawner
from traitlets import default

from km3hub.spawning.failure import StartError
from km3hub.spawning.listening import await_listening
from km3hub.spawning.options import Choice, choose
from km3hub.spawning.server import server_environment
from km3hub.spawning.steps import ProgressSteps
from km3hub.spawning.turns import Turns
from km3settings.proxies import VARIABLES
from km3settings.runtime import Runtime
from km3settings.settings import Settings

__all__ = ["EmbeddedSpawner"]

#: Variables of the hub's own process that a user's server may see; no secret is among them.
_KEPT = [
    *("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"),
    *VARIABLES,
]


class EmbeddedSpawner(ProgressSteps, SimpleLocalProcessSpawner):
    """One JupyterLab process per user, on loopback, with a home in the state folder.

    The processes run as the person who started the platform: there is no isolation between
    users, and the limits of the size menu are not enforced.
    """

    platform: Settings
    runtime: Runtime
    turns: Turns
    choice: Choice

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.forget_steps()
        self.cmd = [str(self._environment("lab") / "bin" / "python"), "-I", "-m", "km3lab"]
        self.ip = "127.0.0.1"
        # JupyterHub formats it; a path may have braces of its own.
        homes = str(self.runtime.state.homes).replace("{", "{{").replace("}", "}}")
        self.home_dir_template = f"{homes}/{{username}}"

    @default("env_keep")
    def _kept(self) -> list[str]:
        return _KEPT

    def _environment(self, name: str) -> Path:
        return self.runtime.state.environments / name

    def _is_installed(self, name: str) -> bool:
        # The installer writes this file last.
        return (self._environment(name) / ".installed").exists()

    def chosen(self) -> Choice:
        """Returns the user's choice, by default the first allowed entry of each menu."""
        groups = [group.name for group in self.user.groups] if self.user else []
        return choose(self.platform, groups, self.user_options)

    def get_env(self) -> dict[str, str]:
        """Returns the environment of a user's server (README.md)."""
        environment: dict[str, str] = super().get_env()
        choice = self.chosen()
        prefix = self._environment(choice.environment.name)
        environment |= {
            **server_environment(self.platform, self.runtime, choice),
            "KM3_TUTORIALS": self.runtime.tutorials,
            "KM3_KERNELS": str(prefix),
            # `make down` finds the process by these, even without the hub.
            "KM3_STATE": str(self.runtime.state.root),
            "KM3_ROLE": "server",
            "PATH": os.pathsep.join([str(prefix / "bin"), environment.get("PATH", os.defpath)]),
        }
        return environment

    async def start(self) -> tuple[str, int]:
        """Start the process; its output goes to its own log."""
        choice = self.chosen()
        if not self._is_installed(choice.environment.name):
            raise StartError(
                f"The environment “{choice.environment.title}” is not installed yet. While"
                " `make up` is still at work, wait until it is done; otherwise run it again. Other"
                " environments can be used now.",
                reason="environment",
            )
        # If the home is unusable, the server starts all the same and says so.
        with contextlib.suppress(OSError):
            Path(self.home_dir).mkdir(mode=0o700, parents=True, exist_ok=True)
        self.forget_steps()
        async with self.turns.turn(self.say_turn):
            self.say(20, f"Starting {choice.environment.title}")
            with self._log.open("ab") as output:
                self.popen_kwargs = {"stdout": output, "stderr": subprocess.STDOUT}
                address: tuple[str, int] = await super().start()
            self.say(60, "Preparing your tutorials and JupyterLab")
            await await_listening(
                *address,
                limit=self.platform.spawner.start_timeout,
                contact=self.platform.site.contact,
                require_alive=self._require_alive,
            )
        return address

    def make_preexec_fn(self, name: str) -> Callable[[], None]:
        """Start in a folder that no user can write to; the home may be missing."""
        return lambda: os.chdir("/")

    @property
    def _log(self) -> Path:
        return self.runtime.state.logs / f"server-{self.user.name}.log"

    async def _require_alive(self) -> None:
        status = await self.poll()
        if status is not None:
            words = self._last_words()
            # The log itself is the administrator's.
            last = f" Its last output: {words[-1][:200]}" if words else ""
            raise StartError(
                f"Your server stopped while it was starting (exit code {status}).{last}"
                f" If this happens again, tell {self.platform.site.contact}.",
                reason="died",
                log_message="\n  ".join([f"{self.user.name}: see {self._log}", *words[-20:]]),
            )

    def _last_words(self) -> list[str]:
        try:
            with self._log.open("rb") as file:
                file.seek(max(0, self._log.stat().st_size - 8192))
                return file.read().decode(errors="replace").strip().splitlines()
        except OSError:
            return []
