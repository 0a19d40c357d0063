"""The container `keeper`: repairs the connections between the platform's containers.

Docker starts a container that shares another one's namespace only while that one runs, and does
not try again: after a reboot the hub could stay down. And a container that was made anew has left
the networks that it was in. Every few seconds this program looks, and mends:

- hub or proxy that could not start, or that live in a namespace that `net` had before a restart;
- networks of running servers that hub or a data service is not in;
- networks and dead containers that nobody needs any more, as after a hub that was killed.
"""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException, NotFound

from km3hub.spawning.networks import NetworkError, UserNetworks, UserOverlays
from km3hub.spawning.tasks import lives, newest
from km3settings.names import PROJECT_LABEL, USER_LABEL, Names

__all__ = ["Keeper", "Server", "SwarmKeeper", "main"]

#: Seconds between two rounds.
INTERVAL = 5.0
#: Seconds; anything younger may belong to a server that is starting.
GRACE = timedelta(minutes=10)

_log = logging.getLogger("km3hub.keeper")


def _when(text: str) -> datetime:
    # The engine writes a varying number of decimals; seconds are enough.
    return datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)


@dataclass(frozen=True)
class Server:
    """A user's server, according to the engine."""

    running: bool
    created: str


@dataclass(frozen=True, kw_only=True)
class Keeper:
    """Maintains one project's containers and networks."""

    client: docker.APIClient
    names: Names
    networks: UserNetworks

    def look(self) -> None:
        """Run one round."""
        try:
            self._keep_dependants()
        except NotFound:
            _log.info("hub or proxy do not exist yet")
        servers = self._servers()
        self._keep_networks(servers)
        self._remove_dead(servers)

    def _keep_dependants(self) -> None:
        mine = self.client.inspect_container(self.names.net)
        for name in (self.names.hub, self.names.proxy):
            found = self.client.inspect_container(name)
            if found["HostConfig"]["NetworkMode"] != f"container:{mine['Id']}":
                continue  # created for an older `net`; Compose is about to replace it
            state = found["State"]
            # A container that was stopped on purpose has no error.
            if state["Status"] == "exited" and state["Error"]:
                _log.info("starting %s: %s", name, state["Error"])
                self.client.start(name)
            elif state["Running"] and state["StartedAt"] < mine["State"]["StartedAt"]:
                _log.info("restarting %s in the new namespace", name)
                self.client.restart(name)

    @property
    def _label(self) -> dict[str, list[str]]:
        return {"label": [f"{PROJECT_LABEL}={self.names.project}", USER_LABEL]}

    def _servers(self) -> dict[str, Server]:
        """Returns users' containers by name."""
        servers = {}
        for entry in self.client.containers(all=True, filters=self._label):
            try:
                found = self.client.inspect_container(entry["Id"])
            except NotFound:
                continue
            server = Server(bool(found["State"]["Running"]), found["Created"])
            servers[found["Name"].lstrip("/")] = server
        return servers

    def _remove(self, name: str) -> None:
        self.client.remove_container(name, v=True, force=True)

    def _keep_networks(self, servers: dict[str, Server]) -> None:
        for network in self.networks.all():
            name = network["Name"]
            server = servers.get(name)
            if server and server.running:
                try:
                    self.networks.join(name, network)
                except NetworkError as error:
                    _log.warning("%s", error)
            elif not server and _is_old(network["Created"]):
                _log.info("removing %s: it has no server", name)
                self.networks.remove(name)

    def _remove_dead(self, servers: dict[str, Server]) -> None:
        for name, server in servers.items():
            if not server.running and _is_old(server.created):
                _log.info("removing %s: it ended, and the hub did not remove it", name)
                self._remove(name)
                self.networks.remove(name)


class SwarmKeeper(Keeper):
    """The same for users' servers that are services of a swarm."""

    @property
    def _swarm(self) -> Any:
        # The client's swarm methods have no types.
        return self.client

    def _servers(self) -> dict[str, Server]:
        servers = {}
        for service in self._swarm.services(filters=self._label):
            name = service["Spec"]["Name"]
            try:
                task = newest(self._swarm.tasks(filters={"service": name}))
            except NotFound:
                continue
            alive = task is None or lives(task)
            servers[name] = Server(alive, service["CreatedAt"])
        return servers

    def _remove(self, name: str) -> None:
        self._swarm.remove_service(name)


def _is_old(created: str) -> bool:
    return datetime.now(UTC) - _when(created) > GRACE


def main() -> None:
    """Run a round every `INTERVAL` seconds until the container stops; log each problem once."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    names = Names(os.environ["KM3_PROJECT"])
    services = tuple(filter(None, os.environ.get("KM3_SERVICES", "").split(",")))
    client = docker.APIClient(version="1.41")
    swarm = os.environ.get("KM3_SPAWNER") == "swarm"
    networks = (UserOverlays if swarm else UserNetworks)(
        client=client, names=names, pool="0.0.0.0/0", egress="", services=services
    )
    kind = SwarmKeeper if swarm else Keeper
    keeper = kind(client=client, names=names, networks=networks)
    trouble = ""
    while True:
        try:
            keeper.look()
            trouble = ""
        except (APIError, DockerException, requests.RequestException, OSError) as error:
            if str(error) != trouble:
                _log.warning("%s", error)
            trouble = str(error)
        time.sleep(INTERVAL)


if __name__ == "__main__":
    main()
