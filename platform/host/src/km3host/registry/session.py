"""A login to the platform's registry."""

from __future__ import annotations

import tempfile
from types import TracebackType

from km3host.errors import HostError
from km3host.programs import Result, one_line, run

__all__ = ["RegistryError", "Session"]

ACCOUNT = "km3net"


class RegistryError(HostError):
    """An image could not be pushed or pulled."""


class Session:
    """A login that lasts for a `with` block; the password is kept in memory only."""

    def __init__(self, address: str, password: str) -> None:
        self.address = address
        self.password = password

    def __enter__(self) -> Session:
        # /run is in memory.
        self._folder = tempfile.TemporaryDirectory(dir="/run")
        done = self._docker(
            "login", "--username", ACCOUNT, "--password-stdin", self.address, text=self.password
        )
        if done.returncode:
            self._folder.cleanup()
            reason = " ".join(one_line(done.stderr).split()[-12:])
            raise RegistryError(
                f"cannot log in to the registry {self.address} ({reason}); on the hub's machine"
                " see: systemctl status docker-registry. Running servers are not affected."
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._folder.cleanup()

    def _docker(self, *arguments: str, text: str | None = None) -> Result:
        environment = {"DOCKER_CONFIG": self._folder.name}
        return run("docker", *arguments, text=text, environment=environment)

    def run(self, *arguments: str) -> None:
        """Run a docker command with the login.

        Raises
        ------
        RegistryError
            If it fails.
        """
        done = self._docker(*arguments)
        if done.returncode:
            raise RegistryError(f"docker {' '.join(arguments)}: {one_line(done.stderr)}")

    def has(self, reference: str) -> bool:
        """Return whether the registry has an image."""
        return self._docker("manifest", "inspect", reference).returncode == 0
