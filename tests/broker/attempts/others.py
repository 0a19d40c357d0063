"""Another container, its volume and its network."""

from __future__ import annotations

import json
from typing import Any

import docker

from tests.broker.attempts.stage import ATTEMPTS, Stage, V, attempt, reply_of
from tests.broker.attempts.victims import remove_all
from tests.broker.running import Reply


@attempt("exec in another container")
def _exec(stage: Stage) -> Reply:
    body = {"Cmd": ["id"], "AttachStdout": True}
    return stage.ask("POST", f"/containers/{stage.victim}/exec", body)


@attempt("attach to another container")
def _attach(stage: Stage) -> Reply:
    head = f"POST {V}/containers/{stage.victim}/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: d\r\n"
    # The stream would not end by itself.
    tcp = "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
    return reply_of(stage.socket.raw((head + tcp).encode(), first_only=True))


VICTIM: dict[str, tuple[str, str, Any]] = {
    "use of another container": ("GET", "/containers/{}/stats?stream=0", None),
    "inspect another container": ("GET", "/containers/{}/json", None),
    "logs of another container": ("GET", "/containers/{}/logs?stdout=1&tail=5", None),
    "processes of another container": ("GET", "/containers/{}/top", None),
    "changes in another container": ("GET", "/containers/{}/changes", None),
    "copy from another container": ("GET", "/containers/{}/archive?path=/etc/hostname", None),
    "update another container": ("POST", "/containers/{}/update", {"CpuShares": 512}),
    "restart another container": ("POST", "/containers/{}/restart?t=0", None),
    "kill another container": ("POST", "/containers/{}/kill?signal=CONT", None),
    "commit another container": ("POST", "/commit?container={0}&repo={0}", {}),
    "another volume": ("GET", "/volumes/{}", None),
    "another network": ("GET", "/networks/{}", None),
    "leave another network": ("POST", "/networks/{0}/disconnect", {"Container": "{0}"}),
    "join another network": ("POST", "/networks/{0}/connect", {"Container": "{0}"}),
}


def _add_victims() -> None:
    for name, (method, path, body) in VICTIM.items():

        def one(stage: Stage, method: str = method, path: str = path, body: Any = body) -> Reply:
            sent = body and json.loads(json.dumps(body).replace("{0}", stage.victim))
            return stage.ask(method, path.format(stage.victim), sent)

        ATTEMPTS[name] = one


_add_victims()


@attempt("export another container")
def _export(stage: Stage) -> Reply:
    head = f"GET {V}/containers/{stage.victim}/export HTTP/1.1\r\nHost: d\r\n\r\n"
    # The rest is the whole file system.
    return reply_of(stage.socket.raw(head.encode(), first_only=True))


#: These are undone at once where they work.
UNDONE = {
    "rename another container": ("rename?name={0}-x", "/containers/{0}-x/rename?name={0}"),
    "pause another container": ("pause", "/containers/{0}/unpause"),
    "stop another container": ("stop?t=0", "/containers/{0}/start"),
}


def _add_undone() -> None:
    for name, (do, undo) in UNDONE.items():

        def one(stage: Stage, do: str = do, undo: str = undo) -> Reply:
            reply = stage.ask("POST", f"/containers/{stage.victim}/{do.format(stage.victim)}")
            if reply.status < 300:
                assert stage.ask("POST", undo.format(stage.victim)).status < 300
            return reply

        ATTEMPTS[name] = one


_add_undone()


@attempt("remove another container")
def _remove(stage: Stage) -> Reply:
    name = f"{stage.victim}-2"
    docker.from_env().containers.create("km3net/proxy", ["true"], name=name)
    try:
        return stage.ask("DELETE", f"/containers/{name}?force=1&v=1")
    finally:
        remove_all(name)


@attempt("list all containers")
def _list(stage: Stage) -> Reply:
    return stage.ask("GET", "/containers/json?all=1")


@attempt("pull another container into the user's network")
def _pull_in(stage: Stage) -> Reply:
    body = {"Container": stage.victim}
    reply = stage.ask("POST", f"/networks/{stage.server}/connect", body)
    if reply.status < 300:
        assert stage.ask("POST", f"/networks/{stage.server}/disconnect", body).status < 300
    return reply
