"""Who attacks what, and the table of attempts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from km3settings.names import PROJECT_LABEL, USER_LABEL, Names
from tests.broker.running import Reply, Socket

V = "/v1.41"


@dataclass(frozen=True)
class Stage:
    """Who attacks what.

    Parameters
    ----------
    socket
        The attacker's: the engine's own, or the broker's.
    names
        Names of the attacker's platform.
    user
        A user of it with a home and a network.
    body
        The allowed body of `create` for this user.
    victim
        The name of a running container outside the platform, of its volume and of its network.
    """

    socket: Socket
    names: Names
    user: str
    body: dict[str, Any]
    victim: str

    @property
    def server(self) -> str:
        return self.names.server(self.user)

    @property
    def home(self) -> str:
        return self.names.home(self.user)

    @property
    def labels(self) -> dict[str, str]:
        return {PROJECT_LABEL: self.names.project, USER_LABEL: self.user}

    def ask(self, method: str, path: str, body: Any = None, *, version: str = V) -> Reply:
        return self.socket.ask(method, version + path, body)

    def through(self, socket: Socket) -> Stage:
        return replace(self, socket=socket)


Attempt = Callable[[Stage], Reply]
ATTEMPTS: dict[str, Attempt] = {}


def attempt(name: str) -> Callable[[Attempt], Attempt]:
    def keep(function: Attempt) -> Attempt:
        ATTEMPTS[name] = function
        return function

    return keep


def reply_of(answer: bytes) -> Reply:
    """The reply in the bytes that a socket sent."""
    top, _, body = answer.partition(b"\r\n\r\n")
    return Reply(int(top.split()[1]), body)
