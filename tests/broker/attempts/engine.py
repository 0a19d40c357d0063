"""Images, the engine itself, a swarm."""

from __future__ import annotations

import io
import tarfile
from typing import Any
from urllib.parse import quote

from tests.broker.attempts.stage import ATTEMPTS, Stage, V, attempt, reply_of
from tests.broker.running import Reply


@attempt("build an image")
def _build(stage: Stage) -> Reply:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        text = b"FROM scratch\nLABEL a=b\n"
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    data = content.getvalue()
    head = (
        f"POST {V}/build?t={stage.victim}&rm=1 HTTP/1.1\r\nHost: d\r\nConnection: close\r\n"
        f"Content-Type: application/x-tar\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return reply_of(stage.socket.raw(head.encode() + data))


@attempt("give another image the name of an environment's")
def _tag(stage: Stage) -> Reply:
    return stage.ask("POST", f"/images/km3net/firewall/tag?repo={stage.victim}&tag=attack")


@attempt("read another image")
def _image(stage: Stage) -> Reply:
    return stage.ask("GET", "/images/km3net/firewall/json")


@attempt("list images")
def _images(stage: Stage) -> Reply:
    return stage.ask("GET", "/images/json")


@attempt("list volumes")
def _volumes(stage: Stage) -> Reply:
    return stage.ask("GET", "/volumes")


@attempt("list plugins")
def _plugins(stage: Stage) -> Reply:
    return stage.ask("GET", "/plugins")


@attempt("describe the host")
def _info(stage: Stage) -> Reply:
    return stage.ask("GET", "/info")


@attempt("remove stopped containers of all")
def _prune(stage: Stage) -> Reply:
    filters = quote('{"label":["km3broker-nothing-has-this"]}')
    return stage.ask("POST", f"/containers/prune?filters={filters}")


#: Requests that would change the machine for good. They are sent so that the engine itself refuses
#: them, which shows that they have reached it.
REACHED: dict[str, tuple[str, str, Any]] = {
    "make the machine a swarm": ("POST", "/swarm/init", {"ListenAddr": "no address"}),
    "join a swarm": ("POST", "/swarm/join", {"ListenAddr": "no address", "RemoteAddrs": []}),
    "create a service": ("POST", "/services/create", {}),
    "create a secret": ("POST", "/secrets/create", {}),
    "enable a plugin": ("POST", "/plugins/km3broker-none/enable", None),
    "install a plugin": ("POST", "/plugins/create?name=", None),
    "push an image": ("POST", "/images/km3broker-none/push", None),
    "open a session of BuildKit": ("POST", "/session", None),
}


def _add_reached() -> None:
    for name, (method, path, body) in REACHED.items():

        def one(stage: Stage, method: str = method, path: str = path, body: Any = body) -> Reply:
            return stage.ask(method, path, body)

        ATTEMPTS[name] = one


_add_reached()
