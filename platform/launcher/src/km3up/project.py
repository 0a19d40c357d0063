"""The containers of one project on this machine's Docker Engine."""

from __future__ import annotations

from collections.abc import Callable

import docker
from docker.errors import NotFound
from docker.models.containers import Container

from km3settings.logs import readable
from km3settings.names import PROJECT_LABEL, USER_LABEL, Names
from km3up.command import attempt
from km3up.images import has_image, name_of

__all__ = ["STOP_LIMIT", "ProjectContainers"]

#: Seconds that a container has to end by itself.
STOP_LIMIT = 10


class ProjectContainers:
    """Finds, stops and removes the containers of one project.

    Parameters
    ----------
    client
        The Docker Engine.
    names
        The names of the project.
    say
        Called with the name of each long step.
    """

    def __init__(
        self, client: docker.DockerClient, names: Names, say: Callable[[str], None]
    ) -> None:
        self._client = client
        self._names = names
        self._say = say

    def find(self, name: str) -> Container | None:
        """Returns a container; None if there is none of this name."""
        try:
            return self._client.containers.get(name)
        except NotFound:
            return None

    @property
    def any_runs(self) -> bool:
        """Whether the network's keeper, the hub or the proxy is running."""
        return any(c is not None and c.status in ("running", "restarting") for c in self._core)

    @property
    def all_run(self) -> bool:
        """Whether the network's keeper, the hub and the proxy are running."""
        return all(c is not None and c.status == "running" for c in self._core)

    @property
    def _core(self) -> list[Container | None]:
        return [self.find(n) for n in (self._names.net, self._names.hub, self._names.proxy)]

    def ports(self, name: str) -> list[int]:
        """Returns the ports of this machine that are published for a running container."""
        container = self.find(name)
        if container is None or container.status != "running":
            return []
        return [int(end["HostPort"]) for bound in container.ports.values() for end in bound or ()]

    @property
    def published_port(self) -> int | None:
        """The running platform's port, which a second start keeps."""
        return next(iter(self.ports(self._names.net)), None)

    def last_log_lines(self, name: str) -> str:
        """Returns the last lines of a container's log, indented."""
        container = self.find(name)
        if container is None:
            return f"there is no container {name}"
        lines = container.logs(tail=8).decode(errors="replace").strip().splitlines()
        return "\n  ".join(readable(lines)) or "(nothing was logged)"

    def remove(self, name: str, what: str) -> None:
        """Remove a service that is not wanted, which Compose would leave; its volume is kept."""
        container = self.find(name)
        if container:
            self._say(f"Stopping {what}")
            container.stop(timeout=STOP_LIMIT)
            container.remove(force=True)

    def servers(self) -> list[Container]:
        """Returns the containers of users' servers, running or not."""
        label = [f"{PROJECT_LABEL}={self._names.project}", USER_LABEL]
        found: list[Container] = self._client.containers.list(all=True, filters={"label": label})
        return found

    def running_servers(self) -> list[Container]:
        """Returns the containers of users' servers that are running."""
        return [server for server in self.servers() if server.status == "running"]

    def remove_servers(self) -> None:
        """Stop and remove all users' servers; their homes are kept."""
        names = [str(server.name) for server in self.servers()]
        if not names:
            return
        self._say(f"Stopping {len(names)} users' servers")
        # The command stops all of them in parallel, the library one by one.
        attempt(["docker", "stop", "--time", str(STOP_LIMIT), *names])
        attempt(["docker", "rm", "--force", "--volumes", *names])

    def remove_packet_filter(self) -> None:
        """Remove the rules that the packet filter leaves in the kernel when its container ends."""
        image = name_of("firewall")
        if not has_image(self._client, image):
            return
        self._client.containers.run(
            image,
            ["remove"],
            environment={"KM3_BRIDGES": self._names.bridges},
            network_mode="host",
            cap_drop=["ALL"],
            cap_add=["NET_ADMIN"],
            remove=True,
        )
