"""The platform of one checkout and one state folder, in either mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import km3up
from km3settings import settings as platform_settings
from km3settings.runtime import Mode, Runtime
from km3settings.settings import Settings
from km3settings.state import State
from km3up.backend import Backend, Service, Started
from km3up.compose import engine_answers
from km3up.embedded import Embedded
from km3up.events import log, recorded
from km3up.exclusive import exclusive
from km3up.failure import Failure

__all__ = ["DEFAULT_PORT", "Checkout", "checkout_root"]

#: The login page's default port.
DEFAULT_PORT = 8000
MODES: tuple[Mode, ...] = ("embedded", "docker")


def checkout_root() -> Path:
    """Returns the checkout that this program was installed from.

    Raises
    ------
    Failure
        If it was not installed from a checkout.
    """
    root = Path(km3up.__file__).resolve().parents[4]
    if not (root / "Makefile").exists():
        raise Failure("This command needs the checkout of the platform; run it as: make up")
    return root


class Checkout:
    """Starts, stops and deletes the platform of one state folder.

    Parameters
    ----------
    root
        The checkout.
    state
        Its state folder.
    project
        Prefix of the names of containers, volumes and networks.
    settings_file
        `platform.yaml`; where it is missing, a fully commented one is written.
    say
        Called with the name of each long step.
    """

    def __init__(
        self,
        *,
        root: Path,
        state: State,
        project: str,
        settings_file: Path | None,
        say: Callable[[str], None],
    ) -> None:
        self.root = root
        self.state = state
        self.project = project
        self.settings_file = self._settings_file(settings_file)
        self._print = say

    def say(self, text: str) -> None:
        """Print a step, and record it."""
        log.info(text)
        self._print(text)

    def _settings_file(self, given: Path | None) -> Path:
        if given:
            if not given.exists():
                raise Failure(f"{given} does not exist; name a platform.yaml with --config")
            return given.resolve()
        path = self.root / "config" / "platform.yaml"
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            example = resources.files("km3settings").joinpath("platform-example.yaml")
            path.write_bytes(example.read_bytes())
        return path

    @property
    def _mode_file(self) -> Path:
        return self.state.root / "mode"

    @property
    def mode(self) -> Mode | None:
        """The mode of the last start, None before the first."""
        text = self._mode_file.read_text().strip() if self._mode_file.exists() else ""
        if text == "docker":
            return "docker"
        return "embedded" if text == "embedded" else None

    def settings(self) -> Settings:
        """Returns the settings in the file."""
        return platform_settings.load(self.settings_file)

    def choose_mode(self, asked: str) -> tuple[Mode, str]:
        """Returns the mode to start in and the reason; `asked` is auto, embedded or docker."""
        kind = self.settings().spawner.kind
        if kind == "swarm":
            raise Failure(
                "spawner.kind is swarm, which needs a deployment on several machines (see"
                " deploy/README.md); for make up write spawner: {kind: auto}"
            )
        if asked != "auto":
            return ("docker" if asked == "docker" else "embedded"), "as requested"
        if kind != "auto":
            return ("docker" if kind == "docker" else "embedded"), f"spawner.kind is {kind}"
        if self.mode and self.runs():
            return self.mode, "as it is running"
        if engine_answers():
            return "docker", "a Docker Engine answers"
        return "embedded", "no Docker Engine answers"

    def start(self, mode: Mode, port: int | None) -> Started:
        """Start the platform, or apply changes to a running one.

        Parameters
        ----------
        mode
            The mode to run in.
        port
            The login page's port; None: the running platform's, else `DEFAULT_PORT`.

        Raises
        ------
        Failure
            If it cannot start, or is running in the other mode.
        """
        with self._exclusive("up"):
            if self.mode and self.mode != mode and self._backend(self.mode).runs():
                raise Failure(
                    f"The platform is running in the mode {self.mode}; stop it first: make down."
                    " The two modes have separate accounts and homes; none are lost."
                )
            started = self._backend(mode, port or DEFAULT_PORT).up(self.settings())
            self._mode_file.write_text(mode)
            log.info(
                "running",
                mode=mode,
                address=started.address,
                ran_before=started.ran_before,
                applied=started.applied,
                notes=started.notes,
            )
        has = urlsplit(started.address).port
        if port and port != has:
            kept = (
                f"PORT={port} was not applied: users' servers need port {has} while they run. To"
                f" apply it: make down, then make up PORT={port}"
            )
            started = replace(started, notes=(*started.notes, kept))
        return started

    def finish(self) -> None:
        """Install what the first login did not need.

        Raises
        ------
        Failure
            If packages cannot be downloaded; the platform keeps running, and the next call
            continues.
        """
        with self._exclusive("up"):
            if self.mode == "embedded":
                self._embedded().finish(self.settings())

    def compile(self) -> None:
        """Compile the bytecode of the environments of embedded mode."""
        with recorded(self.state, "compile"):
            self._embedded().installation(self.settings()).compile()

    def stop(self) -> bool:
        """Stop everything in this state folder; return whether anything was running."""
        if not self.state.root.exists():
            return False
        with self._exclusive("down"):
            modes: list[Mode] = ["embedded"]
            if self.mode == "docker":
                modes.insert(0, "docker")
            stopped = [self._backend(mode).down() for mode in modes]
            return any(stopped)

    def runs(self) -> bool:
        """Returns whether the platform is running."""
        return self.mode is not None and self._backend(self.mode).runs()

    def services(self) -> dict[str, Service]:
        """Returns the services of a running platform by their display names."""
        return self._backend(self.mode).status(self.settings()) if self.mode else {}

    def install(self) -> None:
        """Install what embedded mode needs, without starting anything."""
        with self._exclusive("install"):
            self._embedded().install(self.settings())

    def belongings(self) -> list[str]:
        """Returns what `clean` would delete, one line each, in both modes."""
        return [line for mode in MODES for line in self._backend(mode).belongings()]

    def clean(self) -> None:
        """Delete permanently what the platform created in both modes.

        Raises
        ------
        Failure
            If the platform is running.
        """
        if self.runs():
            raise Failure("The platform is running; stop it first: make down")
        # Volumes first: should that fail, the state folder still says whose they are.
        for mode in reversed(MODES):
            self._backend(mode).clean()

    def _embedded(self) -> Embedded:
        return Embedded(**self._parts("embedded", 0))

    def _backend(self, mode: Mode, port: int = 0) -> Backend:
        if mode == "docker":
            # Imported here because the Docker library is slow to import.
            from km3up.containers import Containers

            return Containers(**self._parts(mode, port))
        return Embedded(**self._parts(mode, port))

    def _parts(self, mode: Mode, port: int) -> dict[str, Any]:
        """Returns the arguments of both backends."""
        return {
            "root": self.root,
            "runtime": Runtime(mode, port, self.project, self.state),
            "settings_file": self.settings_file,
            "say": self.say,
        }

    @contextmanager
    def _exclusive(self, command: str) -> Iterator[None]:
        with exclusive(self.state, f"km3up {command}", self.say), recorded(self.state, command):
            yield
