"""Emptying a machine: no new servers, a notice to its users, then the end of their servers.

Nobody's files are touched. The hub is asked as the service `platform` (`configure/network.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

from km3hub.spawning.hosts import HostsFile
from km3settings.waiting import wait_until

__all__ = ["DrainError", "RunningServers", "drain"]

_TIMEOUT = 10
#: Seconds for which a token for one notice is valid.
_VISIT_SECONDS = 60
#: Seconds that a server may take to stop.
STOP_SECONDS = 90
#: Seconds between two checks of whether they have stopped.
_INTERVAL = 0.5
_PAGE = 100


class DrainError(Exception):
    """A machine cannot be emptied; the message says why."""


@dataclass(frozen=True, kw_only=True)
class RunningServers:
    """Users' servers, according to the hub.

    Parameters
    ----------
    hub, proxy
        Where hub and proxy answer, without a slash at the end.
    token
        The token of the service `platform`.
    """

    hub: str
    proxy: str
    token: str

    def users(self) -> set[str]:
        """Returns the users with a server that is running, starting or stopping.

        Raises
        ------
        DrainError
            Where the hub does not answer.
        """
        found: set[str] = set()
        while True:
            answer = self._ask(
                "GET", f"{self.hub}/hub/api/users?offset={len(found)}&limit={_PAGE}&state=active"
            )
            page = answer.json()
            found |= {user["name"] for user in page}
            if len(page) < _PAGE:
                return found

    def notify(self, user: str, text: str, details: str) -> bool:
        """Show a notice in a user's JupyterLab; return whether the server accepted it."""
        address = f"{self.proxy}/user/{quote(user)}/km3/notices"
        try:
            token = self._visit(user)
            self._ask("PUT", address, token=token, json={"text": text, "details": details})
        except DrainError:
            return False
        return True

    def _visit(self, user: str) -> str:
        """Returns a token that opens a user's own server for a minute, and nothing else.

        The user controls that server and can keep what it receives.
        """
        wanted = {
            "note": "Notice of the administrator",
            "expires_in": _VISIT_SECONDS,
            "scopes": [f"access:servers!server={user}/"],
        }
        address = f"{self.hub}/hub/api/users/{quote(user)}/tokens"
        return str(self._ask("POST", address, json=wanted).json()["token"])

    def stop(self, user: str) -> None:
        """Ask the hub to stop a user's server.

        Raises
        ------
        DrainError
            Where the hub does not answer.
        """
        self._ask("DELETE", f"{self.hub}/hub/api/users/{quote(user)}/server")

    def _ask(
        self, method: str, address: str, *, token: str = "", **options: Any
    ) -> requests.Response:
        try:
            with requests.Session() as session:
                # Never by the proxy of the machine's network, which does not lead to loopback.
                session.trust_env = False
                answer = session.request(
                    method,
                    address,
                    headers={"Authorization": f"token {token or self.token}"},
                    timeout=_TIMEOUT,
                    **options,
                )
            answer.raise_for_status()
        except requests.RequestException as error:
            raise DrainError(f"{method} {address}: {error}") from error
        return answer


def drain(
    host: str,
    file: HostsFile,
    servers: RunningServers,
    *,
    minutes: float,
    why: str,
    report: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Close a machine to new servers, and stop its servers after a notice.

    Parameters
    ----------
    host
        The machine's name.
    file
        Where the homes are; the machine stays closed in it.
    servers
        The users' servers.
    minutes
        Time between the notice to users and the stop.
    why
        The reason for users, e.g. "for maintenance"; may be empty.
    report
        Called with each line for the administrator.
    sleep
        Waits for the given number of seconds.

    Raises
    ------
    DrainError
        If the hub is not responding, or a server does not stop.
    """
    file.close(host)
    users = _on(host, file, servers)
    if not users:
        report(f"no server runs on {host}")
        return
    notified = [user for user in users if servers.notify(user, *_notice(minutes, why))]
    report(f"{len(users)} servers are running on {host}; {len(notified)} users were notified")
    if notified and minutes:
        report(f"they stop in {minutes:g} minutes")
        sleep(minutes * 60)
    for user in _on(host, file, servers):
        servers.stop(user)
    if not wait_until(
        lambda: not _on(host, file, servers), seconds=STOP_SECONDS, interval=_INTERVAL, sleep=sleep
    ):
        left = ", ".join(_on(host, file, servers))
        raise DrainError(f"the servers of {left} are still running; run this again")
    report(f"all servers on {host} have stopped; the users' files are unchanged")


def _on(host: str, file: HostsFile, servers: RunningServers) -> list[str]:
    homes: dict[str, str] = file.homes
    running: Iterable[str] = servers.users()
    return sorted(user for user in running if homes.get(user) == host)


def _notice(minutes: float, why: str) -> tuple[str, str]:
    when = f"in {minutes:g} minutes" if minutes else "now"
    for_what = f" {why}" if why else ""
    return (
        f"This server stops {when}{for_what}. Save your work.",
        "Its machine is being serviced. Your files are kept; data in the memory of kernels are"
        " lost. You can start your server again when the machine is back.",
    )
