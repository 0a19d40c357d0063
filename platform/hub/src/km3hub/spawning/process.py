"""Users' servers as local processes (embedded mode), for one person's machine."""

from __future__ import annotations

import contextlib
import os
import pwd
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyterhub.spawner import SimpleLocalProcessSpawner
from traitlets import default

from km3hub.login.accounts import AccountsError, AccountStore, several_people
from km3hub.spawning.confined import Confinement, program_paths
from km3hub.spawning.failure import StartError
from km3hub.spawning.home_name import home_name
from km3hub.spawning.listening import await_listening
from km3hub.spawning.options import Choice, choice_of
from km3hub.spawning.server import server_environment
from km3hub.spawning.steps import ProgressSteps
from km3hub.spawning.unprivileged import NOBODY, adopt_home, server_user
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

    This is for one person's machine. The processes run as the person who started the platform, or,
    where that is root, as one unprivileged user who does not see the state folder (`confined.py`).
    There is no isolation between users, and the limits of the size menu are not enforced.
    """

    platform: Settings
    runtime: Runtime
    choice: Choice

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.forget_steps()
        self.cmd = [str(self._environment("lab") / "bin" / "python"), "-I", "-m", "km3lab"]
        self.ip = "127.0.0.1"

    @default("env_keep")
    def _kept(self) -> list[str]:
        return _KEPT

    def _environment(self, name: str) -> Path:
        return self.runtime.state.environments / name

    def _is_installed(self, name: str) -> bool:
        # The installer writes this file last.
        return (self._environment(name) / ".installed").exists()

    @property
    def shared(self) -> bool:
        """Whether several people use this platform, which is meant for one."""
        if self.platform.login.method != "accounts":
            return True
        try:
            return several_people(AccountStore(self.runtime.state.accounts).names())
        except AccountsError:
            return True

    def chosen(self) -> Choice:
        """Returns the user's choice, by default the first allowed entry of each menu."""
        return choice_of(self, self.user_options)

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
            "KM3_PLATFORM": self.runtime.state.mark,
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
        # At each start: another person may have got the name.
        self.home_dir = str(
            self.runtime.state.homes / home_name(self.runtime.state, self.user.name)
        )
        # If the home is unusable, the server starts all the same and says so.
        user = self._server_user()
        with contextlib.suppress(OSError):
            home = Path(self.home_dir)
            home.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            home.mkdir(mode=0o700, exist_ok=True)
            if user:
                adopt_home(home, user)
            else:
                home.chmod(0o700)
        self.forget_steps()
        async with self.my_turn(self.platform.site.contact):
            self.say(20, f"Starting {choice.environment.title}")
            program = list(self.cmd)
            with self._log.open("ab") as output:
                self.popen_kwargs = {"stdout": output, "stderr": subprocess.STDOUT}
                if user:
                    self.cmd = self._confined(user)
                try:
                    address: tuple[str, int] = await super().start()
                finally:
                    self.cmd = program
            self.say(60, "Preparing your tutorials and JupyterLab")
            await await_listening(
                *address,
                limit=self.platform.spawner.start_timeout,
                contact=self.platform.site.contact,
                require_alive=self._require_alive,
            )
        return address

    def _server_user(self) -> pwd.struct_passwd | None:
        try:
            return server_user(self.runtime.server_user)
        except (KeyError, ValueError) as error:
            raise StartError(
                "The platform runs as root, and servers must not. Its administrator has to create"
                f" the user {self.runtime.server_user or NOBODY} or start the platform as an"
                " ordinary user.",
                reason="root",
                log_message=f"{self.user.name}: no unprivileged user for servers: {error}",
            ) from None

    def _confined(self, user: pwd.struct_passwd) -> list[str]:
        """Returns the server's command, to be run as the unprivileged user."""
        state = self.runtime.state
        program = [str(word) for word in self.cmd]
        prefixes = (self._environment("lab"), self._environment(self.chosen().environment.name))
        needed = [state.environments, Path(self.home_dir), Path(self.runtime.tutorials or "/")]
        for python in (Path(program[0]), *(prefix / "bin" / "python" for prefix in prefixes)):
            needed += program_paths(python)
        needed += [Path(word).parent for word in program if os.path.isabs(word)]
        confinement = Confinement(
            user=user.pw_uid, group=user.pw_gid, hidden=state.root, needed=needed
        )
        return confinement.command(program)

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
