"""When a platform in containers is ready: packet filter, hub and the service for homes work."""

from __future__ import annotations

import httpx
from docker.errors import APIError

from km3settings.names import Names
from km3settings.waiting import wait_until
from km3up.failure import Failure
from km3up.project import ProjectContainers

__all__ = ["Readiness", "answers"]

#: Seconds until the hub must answer.
START_LIMIT = 120
#: Seconds until the packet filter must be in place.
FIREWALL_LIMIT = 20
#: Seconds until the service for homes must answer; it checks file systems after a power failure.
HOMES_LIMIT = 150
#: A service that was restarted more often than this will never start.
MOST_RESTARTS = 2


def answers(address: str) -> bool:
    """Returns whether a page of this machine answers with status 200."""
    try:
        # Never by the proxy of the machine's network, which does not lead to loopback.
        return httpx.get(address, timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


class Readiness:
    """Waits for what `make up` started.

    Parameters
    ----------
    containers
        Those of the project.
    names
        Their names.
    """

    def __init__(self, containers: ProjectContainers, names: Names) -> None:
        self._containers = containers
        self._names = names

    def await_firewall(self) -> None:
        """Wait until the packet filter is in place.

        Raises
        ------
        Failure
            If it is not, with the last lines of its log.
        """
        name, command = self._names.firewall, ["km3-firewall", "check"]
        if not wait_until(lambda: self._succeeds(name, command), seconds=FIREWALL_LIMIT):
            raise Failure(
                "The packet filter that shields users' servers could not be installed:\n  "
                + self._containers.last_log_lines(self._names.firewall)
                + "\nThe kernel needs nftables (nft_fib_inet). Without containers: make up"
                " MODE=embedded"
            )

    def await_homes(self) -> None:
        """Wait until the service for homes answers; without it no server starts.

        Raises
        ------
        Failure
            If it does not answer, with the last lines of its log.
        """
        name, command = self._names.homes, ["km3homes", "check"]
        wait_until(lambda: self._succeeds(name, command) or self._failed(name), seconds=HOMES_LIMIT)
        if not self._succeeds(name, command):
            raise Failure(
                "The limits of homes (homes.quota) could not be put into effect:\n  "
                + self._containers.last_log_lines(name)
                + f"\nThe whole log: docker logs {name}. Which backends there are: docs/homes.md."
                " Without limits: homes: {backend: none}"
            )

    def await_hub(self, pages: str) -> None:
        """Wait until the hub answers, or has failed to start several times.

        Parameters
        ----------
        pages
            The address of its pages.

        Raises
        ------
        Failure
            If it does not answer, with the last lines of its log.
        """
        health = f"{pages}/health"
        wait_until(lambda: answers(health) or self._failed(self._names.hub), seconds=START_LIMIT)
        if not answers(health):
            raise Failure(
                "The hub did not start. The last lines of its log:\n  "
                + self._containers.last_log_lines(self._names.hub)
                + f"\nThe whole log: docker logs {self._names.hub}"
            )

    def _succeeds(self, name: str, command: list[str]) -> bool:
        """Returns whether a command in a service's container ends with 0."""
        container = self._containers.find(name)
        if container is None or container.status != "running":
            return False
        try:
            return bool(container.exec_run(command).exit_code == 0)
        except APIError:  # it ended between the two calls
            return False

    def _failed(self, name: str) -> bool:
        """Returns whether a service will not start any more."""
        container = self._containers.find(name)
        return container is None or container.attrs.get("RestartCount", 0) > MOST_RESTARTS
