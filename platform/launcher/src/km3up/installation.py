"""What embedded mode installs, in the order in which people need it.

A first login needs JupyterLab, the proxy, the portal and the first environment of the menu. The
other environments can follow while people read the login page, and compiled bytecode after that.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from km3settings.settings import Settings
from km3settings.state import State
from km3up.environments import Installer
from km3up.failure import Failure
from km3up.node import NodePackages
from km3up.progress import installing

__all__ = ["Installation"]


class Installation:
    """Brings the environments and the proxy of one state folder to their locks.

    Parameters
    ----------
    root
        The checkout.
    state
        Its state folder.
    settings
        Say which environments there are.
    say
        Called with each step.

    Raises
    ------
    Failure
        If the menu has an environment that this checkout has no lock for.
    """

    def __init__(
        self, *, root: Path, state: State, settings: Settings, say: Callable[[str], None]
    ) -> None:
        self.state = state
        self.say = say
        self._installer = Installer(root=root, folder=state.environments)
        self._node = NodePackages(root=root, folder=state.proxy)
        menu = [environment.name for environment in settings.environments]
        for name in menu:
            if not self._installer.has_kernel(name):
                raise Failure(
                    f"environments: {name} cannot run as a local process: there is no lock"
                    f" platform/locks/{name}.txt with a kernel. Own environments need containers"
                )
        portal = ["opendata"] if settings.services.opendata.enabled else []
        self._first = ["lab", *portal, *menu[:1]]
        self._rest = menu[1:]

    @property
    def pending(self) -> list[str]:
        """The environments that can follow the first login and are not installed yet."""
        return [name for name in self._rest if not self._installer.is_current(name)]

    def first(self) -> None:
        """Install what the first login needs.

        Raises
        ------
        Failure
            If packages cannot be downloaded or the disk is full; the next call continues.
        """
        with ThreadPoolExecutor(1) as other:
            proxy = None if self._node.is_current() else other.submit(self._node.install)
            self._install(self._first)
            if proxy:
                self.say("Installing the proxy")
                proxy.result()

    def rest(self) -> None:
        """Install the other environments.

        Raises
        ------
        Failure
            As :meth:`first`.
        """
        self._install(self._rest)

    def compile(self) -> None:
        """Compile the bytecode of every environment that lacks some of it."""
        for name in (*self._first, *self._rest):
            if self._installer.is_current(name) and not self._installer.is_compiled(name):
                self._installer.compile(name)

    def compile_behind(self, settings_file: Path) -> None:
        """Compile in a process of its own, with low priority; `make down` ends it."""
        environment = {**os.environ, "KM3_STATE": str(self.state.root), "KM3_ROLE": "install"}
        command = [sys.executable, "-m", "km3up", "compile", "--config", str(settings_file)]
        with (self.state.logs / "compile.log").open("ab") as log:
            subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _install(self, names: list[str]) -> None:
        """Install environments, two at a time: one unpacks while the other one downloads."""
        missing = [name for name in names if not self._installer.is_current(name)]
        if not missing:
            return
        folders = {
            self.state.environments / name: self._installer.packages(name) for name in missing
        }
        what = f"Installing {', '.join(missing)}"
        self.say(f"{what} ({sum(folders.values())} packages)")
        with installing(what, folders), ThreadPoolExecutor(2) as two:
            list(two.map(self._installer.install, missing))
