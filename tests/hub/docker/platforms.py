"""The platform under test, seen by its administrator."""

from __future__ import annotations

import shutil
import string
from dataclasses import dataclass, field

import docker
from docker.models.containers import Container
from escapism import escape

from km3settings.names import Names
from tests.commands import run
from tests.e2e.platforms import Person, Platform

PASSWORD = "vorume-tisaka-94-belo"


def escaped(name: str) -> str:
    """Returns a user's name as DockerSpawner spells it in names of containers and volumes."""
    return str(escape(name, set(string.ascii_lowercase + string.digits), escape_char="-").lower())


@dataclass
class Site:
    """A platform in containers, and the engine that it runs on."""

    platform: Platform
    engine: docker.DockerClient = field(default_factory=docker.from_env)

    @property
    def names(self) -> Names:
        return Names(self.platform.project)

    def container(self, name: str) -> Container:
        return self.engine.containers.get(name)

    def server(self, person: Person) -> Container:
        return self.container(self.names.server(escaped(person.name)))

    def add(self, name: str) -> Person:
        """Somebody with a new account, logged in."""
        command = ["docker", "exec", "-i", self.names.hub, "km3hub", "accounts", "add", name]
        run(*command, "--password-stdin", input=PASSWORD)
        return Person.log_in(self.platform.address, name, PASSWORD)

    def networks(self) -> list[str]:
        """Names of the users' networks that exist."""
        start = self.names.server("")
        return sorted(n.name for n in self.engine.networks.list() if n.name.startswith(start))

    def servers(self) -> list[str]:
        """Names of the users' containers that exist, running or not."""
        start = self.names.server("")
        found = self.engine.containers.list(all=True, ignore_removed=True)
        return sorted(c.name for c in found if c.name.startswith(start))

    def apply(self, settings: str) -> None:
        """Write `platform.yaml` and run `km3hub up`, as an administrator would."""
        self.platform.config.write_text(settings)
        port = self.platform.address.rsplit(":", 1)[1]
        result = self.platform.command("up", "--mode", "docker", "--port", port)
        assert result.returncode == 0, result.stdout + result.stderr


def why_no_containers() -> str | None:
    """Why containers cannot be tested here, and how to change that; None where they can."""
    if not shutil.which("docker") or run("docker", "version", status=None).returncode:
        return "no Docker Engine answers: make engine images"
    for name in ("stack", "hub", "proxy", "broker", "homes", "firewall", "opendata"):
        image = f"km3net/{name}"
        if run("docker", "image", "inspect", image, status=None).returncode:
            return f"the image {image} is missing: make engine images"
    return None
