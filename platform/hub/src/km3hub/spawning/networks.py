"""One network per user, joined only by the user's server, hub and proxy, and data services."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from docker import APIClient
from docker.errors import APIError, NotFound
from docker.types import IPAMConfig, IPAMPool

from km3settings.names import OVERLAY_OPTIONS, PROJECT_LABEL, USER_LABEL, Names
from km3settings.portal import ALIAS
from km3settings.waiting import wait_until

__all__ = [
    "ADDRESSES",
    "NetworkError",
    "UserNetworks",
    "UserOverlays",
]

#: Addresses of one user's network: a /29 has room for its gateway and five containers.
ADDRESSES = 8
_EGRESS_LABEL = "org.km3net.egress"
#: Seconds to wait for the end of a server in a swarm before leaving its network to the keeper.
_REMOVAL_SECONDS = 15.0
#: Seconds between two attempts.
_REMOVAL_INTERVAL = 0.25
#: The maximum number of occupied address ranges to try.
_MAX_TRIES = 64

_log = logging.getLogger("km3hub.networks")


class NetworkError(Exception):
    """A user's network cannot be created; the message is for the administrator's log."""


@dataclass(frozen=True, kw_only=True)
class UserNetworks:
    """Creates, repairs and removes users' networks. All calls are blocking.

    Parameters
    ----------
    client
        The Docker Engine.
    names
        Names of this project.
    pool
        The address pool of the networks.
    egress
        `internet`, or `none` for networks without access to the internet.
    services
        Containers that join every network beside the hub.
    """

    client: APIClient
    names: Names
    pool: str
    egress: str
    services: tuple[str, ...] = ()

    def provide(self, name: str, *, number: int, user: str) -> None:
        """Create the network `name` if necessary and connect hub and services.

        Parameters
        ----------
        name
            The network's name.
        number
            The user's number, which determines the first addresses to try.
        user
            The user.

        Raises
        ------
        NetworkError
            Where no free addresses are found or the hub cannot join.
        """
        found = self._inspect(name)
        if found and not self._is_current(found):
            self.remove(name)
            found = None
        if not found:
            self._create(name, number=number, user=user)
        self.join(name, found or {})

    def join(self, name: str, network: Mapping[str, Any]) -> None:
        """Connect hub and services, unless they are in `network` (as inspected).

        Raises
        ------
        NetworkError
            Where the hub cannot join.
        """
        inside = {end["Name"] for end in (network.get("Containers") or {}).values()}
        for container, aliases in self._members():
            if container in inside:
                continue
            try:
                self.client.connect_container_to_network(container, name, aliases=aliases)
            except APIError as error:
                if _is_connected_already(error):
                    continue
                if container == self.names.net:
                    raise NetworkError(f"{container} cannot join {name}: {error}") from error
                _log.warning("service %s cannot join %s: %s", container, name, error.explanation)

    def remove(self, name: str) -> None:
        """Remove a network and disconnect its members; no error where there is none."""
        found = self._inspect(name)
        if not found:
            return
        inside = {end["Name"] for end in (found.get("Containers") or {}).values()}
        # A service that is being restarted is not listed, but would need the network.
        for container in inside.union(self.services):
            try:
                self.client.disconnect_container_from_network(container, name, force=True)
            except APIError as error:
                _log.info("%s had left %s already: %s", container, name, error.explanation)
        with contextlib.suppress(NotFound):
            self.client.remove_network(found["Id"])

    def all(self) -> Iterator[dict[str, Any]]:
        """Yields every user's network of this project, inspected."""
        label = {"label": [f"{PROJECT_LABEL}={self.names.project}", USER_LABEL]}
        for network in self.client.networks(filters=label):
            found = self._inspect(network["Id"])
            if found:
                yield found

    def _members(self) -> Iterator[tuple[str, list[str]]]:
        yield self.names.net, ["hub"]
        for service in self.services:
            yield service, [ALIAS if service == self.names.opendata else service]

    def _inspect(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self.client.inspect_network(name)
        except NotFound:
            return None
        return found

    def _is_current(self, network: Mapping[str, Any]) -> bool:
        labels = network.get("Labels") or {}
        return (
            labels.get(PROJECT_LABEL) == self.names.project
            and labels.get(_EGRESS_LABEL) == self.egress
            and bool(network.get("Internal")) == (self.egress == "none")
        )

    def _create(self, name: str, *, number: int, user: str) -> None:
        network = ipaddress.IPv4Network(self.pool)
        places = network.num_addresses // ADDRESSES
        reasons = []
        for place in ((number + tried) % places for tried in range(min(_MAX_TRIES, places))):
            subnet = ipaddress.IPv4Network((int(network[place * ADDRESSES]), 29))
            try:
                self.client.create_network(
                    name,
                    driver="bridge",
                    internal=self.egress == "none",
                    check_duplicate=True,
                    ipam=IPAMConfig(pool_configs=[IPAMPool(subnet=str(subnet))]),
                    options={"com.docker.network.bridge.name": f"{self.names.user_bridges}{place}"},
                    labels={
                        PROJECT_LABEL: self.names.project,
                        USER_LABEL: user,
                        _EGRESS_LABEL: self.egress,
                    },
                )
            except APIError as error:
                if error.status_code == 409:  # the name: a simultaneous start created it
                    return
                if error.status_code not in (400, 403):
                    raise
                # These addresses or this bridge are used by another network of the host.
                reasons.append(str(error.explanation))
                continue
            return
        raise NetworkError(
            f"no free addresses for {name} in {self.pool} after {len(reasons)} tries;"
            f" choose another spawner.network_pool. The engine's message: {reasons[-1]}"
        )


class UserOverlays(UserNetworks):
    """Users' networks that span the machines of a swarm.

    The swarm assigns their addresses from its own pool; `pool` is ignored. The networks are
    attachable, so that hub and services can join.
    """

    def remove(self, name: str) -> None:
        """Remove a network as soon as the swarm has ended its containers.

        A network that is in use for longer, for example on an unresponsive machine, is left to the
        keeper.
        """
        if not wait_until(
            lambda: self._removed(name), seconds=_REMOVAL_SECONDS, interval=_REMOVAL_INTERVAL
        ):
            _log.info("%s is still in use", name)

    def _removed(self, name: str) -> bool:
        """Remove a network unless it is in use; returns whether it is gone."""
        try:
            super().remove(name)
        except APIError as error:
            if not _is_in_use(error):
                raise
            return False
        return True

    def _create(self, name: str, *, number: int, user: str) -> None:
        try:
            self.client.create_network(
                name,
                driver="overlay",
                scope="swarm",
                attachable=True,
                options=OVERLAY_OPTIONS,
                internal=self.egress == "none",
                check_duplicate=True,
                labels={
                    PROJECT_LABEL: self.names.project,
                    USER_LABEL: user,
                    _EGRESS_LABEL: self.egress,
                },
            )
        except APIError as error:
            if error.status_code != 409:  # the name: a simultaneous start created it
                raise

    def _is_current(self, network: Mapping[str, Any]) -> bool:
        return network.get("Driver") == "overlay" and super()._is_current(network)


def _is_in_use(error: APIError) -> bool:
    explanation = str(error.explanation)
    return "in use" in explanation or "active endpoints" in explanation


def _is_connected_already(error: APIError) -> bool:
    return error.status_code == 403 and "already exists" in str(error.explanation)
