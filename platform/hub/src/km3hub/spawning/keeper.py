"""The container `keeper`: repairs the connections between the platform's containers.

Docker starts a container that shares another one's namespace only while that one runs, and does
not try again: after a reboot the hub could stay down. A recreated container is no longer in the
networks of the old one. Every few seconds this program checks and repairs:

- a hub or proxy that could not start, or is in a namespace that `net` had before a restart;
- containers of the platform that were killed, with whatever signal: the engine takes `docker kill`
  for a wish to stop, and does not start them again;
- networks of running servers that lack the hub or a data service;
- unused networks and dead containers, for example after a hub that was killed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import requests
import structlog
from docker import APIClient
from docker.errors import APIError, DockerException, NotFound

from km3hub.spawning.engine import API_VERSION, engine
from km3hub.spawning.networks import NetworkError, UserNetworks, UserOverlays
from km3hub.spawning.tasks import lives, newest
from km3settings.logs import log_as_json
from km3settings.names import PROJECT_LABEL, USER_LABEL, Names

__all__ = ["Keeper", "Server", "SwarmKeeper", "keep", "keeper_of", "main"]

#: Seconds between two checks.
INTERVAL = 5.0
#: Anything younger may belong to a server that is starting.
GRACE = timedelta(minutes=10)

#: Seconds after a container's end in which the engine records why it ended.
_SETTLED = 3
#: Seconds that `docker stop` may wait before it kills.
_STOP_LIMIT = 60

_log = structlog.stdlib.get_logger("km3hub.keeper")


def _moment(text: str) -> datetime:
    # The engine writes a varying number of decimals; seconds are enough.
    return datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)


@dataclass(frozen=True)
class Server:
    """A user's server, according to the engine."""

    running: bool
    created: str
    user: str


@dataclass(frozen=True, kw_only=True)
class Keeper:
    """Maintains one project's containers and networks."""

    client: APIClient
    names: Names
    networks: UserNetworks

    def run_once(self) -> None:
        """Check and repair everything once."""
        self._start_killed()
        try:
            self._keep_dependants()
        except NotFound:
            _log.info("hub or proxy do not exist yet")
        servers = self._servers()
        self._keep_networks(servers)
        self._remove_dead(servers)

    def _start_killed(self) -> None:
        names = self.names
        # `net` first: hub and proxy live in its namespace.
        first = (names.net, names.firewall, names.homes)
        for name in (*first, names.opendata, names.hub, names.proxy):
            try:
                found = self.client.inspect_container(name)
            except NotFound:
                continue
            state = found["State"]
            # With an error it did not even start; see below.
            if state["Status"] == "exited" and not state.get("Error") and self._killed(found):
                _log.info("starting a container that was killed", container=name)
                self.client.start(name)

    def _killed(self, container: Mapping[str, Any]) -> bool:
        """Returns whether the engine remembers a kill, and no stop, at a container's end.

        The engine remembers a few minutes. What it has forgotten is left as it is.
        """
        end = _moment(container["State"]["FinishedAt"]).timestamp()
        if time.time() - end < _SETTLED:
            return False  # the stop may be on its way; looked at again in a moment
        events = self.client.events(
            since=int(end) - _STOP_LIMIT,
            # The engine answers at that time; whole seconds only.
            until=int(time.time()) + 1,
            filters={"container": container["Id"], "event": ["kill", "stop"]},
            decode=True,
        )
        # `docker stop` sends a signal, too; its event comes after the container's end.
        actions = {str(event["Action"]) for event in events}
        return "kill" in actions and "stop" not in actions

    def _keep_dependants(self) -> None:
        mine = self.client.inspect_container(self.names.net)
        for name in (self.names.hub, self.names.proxy):
            found = self.client.inspect_container(name)
            if found["HostConfig"]["NetworkMode"] != f"container:{mine['Id']}":
                continue  # created for an older `net`; Compose is about to replace it
            state = found["State"]
            # A container that was stopped on purpose has no error.
            if state["Status"] == "exited" and state["Error"]:
                _log.info("starting a container", container=name, reason=state["Error"])
                self.client.start(name)
            elif state["Running"] and state["StartedAt"] < mine["State"]["StartedAt"]:
                _log.info("restarting a container in the new namespace", container=name)
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
            server = Server(
                running=bool(found["State"]["Running"]),
                created=found["Created"],
                user=found["Config"]["Labels"].get(USER_LABEL, ""),
            )
            servers[found["Name"].lstrip("/")] = server
        return servers

    def _remove(self, name: str) -> None:
        self.client.remove_container(name, v=True, force=True)

    def _keep_networks(self, servers: dict[str, Server]) -> None:
        for network in self.networks.all():
            name, user = network["Name"], network["Labels"].get(USER_LABEL, "")
            server = servers.get(name)
            if server and server.running:
                try:
                    self.networks.join(name, network)
                except NetworkError as error:
                    _log.warning(str(error), network=name, user=user)
            elif not server and _is_old(network["Created"]):
                _log.info("removing a network without a server", network=name, user=user)
                self.networks.remove(name)

    def _remove_dead(self, servers: dict[str, Server]) -> None:
        for name, server in servers.items():
            if not server.running and _is_old(server.created):
                _log.info("removing a dead server", container=name, user=server.user)
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
            servers[name] = Server(
                running=alive,
                created=service["CreatedAt"],
                user=service["Spec"]["Labels"].get(USER_LABEL, ""),
            )
        return servers

    def _remove(self, name: str) -> None:
        self._swarm.remove_service(name)


def _is_old(created: str) -> bool:
    return datetime.now(UTC) - _moment(created) > GRACE


def keeper_of(client: APIClient, *, project: str, services: Sequence[str], swarm: bool) -> Keeper:
    """Returns the keeper of a project.

    Parameters
    ----------
    client
        Of the Docker Engine.
    project
        Prefix of the names of containers, volumes and networks.
    services
        Containers that join every user's network.
    swarm
        Whether users' servers are services of a swarm.
    """
    names = Names(project)
    networks = (UserOverlays if swarm else UserNetworks)(
        client=client, names=names, pool="0.0.0.0/0", egress="", services=tuple(services)
    )
    return (SwarmKeeper if swarm else Keeper)(client=client, names=names, networks=networks)


def keep(keeper: Keeper) -> NoReturn:
    """Check and repair every `INTERVAL` seconds until the container stops; log a problem once."""
    last = ""
    while True:
        try:
            keeper.run_once()
            last = ""
        except (APIError, DockerException, requests.RequestException, OSError) as error:
            if str(error) != last:
                _log.warning(str(error))
            last = str(error)
        time.sleep(INTERVAL)


def main(environment: Mapping[str, str]) -> NoReturn:
    """Start the keeper that the container's environment describes (README of `km3settings`)."""
    log_as_json()
    keep(
        keeper_of(
            engine(version=API_VERSION),
            project=environment["KM3_PROJECT"],
            services=[name for name in environment.get("KM3_SERVICES", "").split(",") if name],
            swarm=environment.get("KM3_SPAWNER") == "swarm",
        )
    )


if __name__ == "__main__":
    main(os.environ)
