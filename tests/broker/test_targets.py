"""Request lines that do not lead where they seem to, or nowhere that the hub has to go."""

from __future__ import annotations

import pytest

from tests.broker.objects import SERVER
from tests.broker.recording import Recording
from tests.broker.running import Socket

ODD = {
    "encoded slash": f"/v1.41/containers/{SERVER}%2fjson",
    "encoded slash in capitals": f"/v1.41/containers/{SERVER}%2Fjson",
    "encoded dots": "/v1.41/containers/%2e%2e/json",
    "dots": f"/v1.41/containers/{SERVER}/../create",
    "dots at the start": "/../v1.41/_ping",
    "one dot": "/v1.41/./_ping",
    "empty part": "/v1.41//containers/json",
    "slash at the end": f"/v1.41/containers/{SERVER}/json/",
    "absolute": "http://docker/v1.41/_ping",
    "absolute to elsewhere": "http://127.0.0.1:2375/v1.41/_ping",
    "asterisk": "*",
    "authority": "docker:80",
    "backslash": f"/v1.41/containers\\{SERVER}/json",
    "encoded letter": f"/v1.41/containers/{SERVER}/jso%6e",
    "double encoding": f"/v1.41/containers/{SERVER}%252fjson",
    "NUL": f"/v1.41/containers/{SERVER}%00/json",
    "fragment": f"/v1.41/containers/{SERVER}/json#x",
    "semicolon": f"/v1.41/containers/{SERVER};x/json",
    "parameter twice": f"/v1.41/containers/{SERVER}/logs?tail=2&tail=all&follow=0",
    "parameter twice by an escape": f"/v1.41/containers/{SERVER}/logs?tail=2&t%61il=3",
    "second question mark": f"/v1.41/containers/{SERVER}/logs?tail=2?follow=1",
    "parameter without a value": f"/v1.41/containers/{SERVER}/logs?tail",
    "old version": f"/v1.23/containers/{SERVER}/start",
    "version 2": "/v2.0/_ping",
    "version twice": "/v1.41/v1.41/_ping",
    "no version number": "/v1./_ping",
    "letters beyond ASCII": "/v1.41/containers/\u0661/json",
}


@pytest.mark.parametrize("target", ODD.values(), ids=ODD)
def test_odd_target_is_refused(broker: Socket, engine: Recording, target: str) -> None:
    method = "POST" if target.endswith("/start") else "GET"
    answer = broker.raw(f"{method} {target} HTTP/1.1\r\nHost: d\r\n\r\n".encode())
    assert int(answer.split()[1]) in (400, 403), answer
    assert not engine.asked


NEVER = """
POST /containers/x/exec|POST /exec/x/start|POST /containers/x/attach|GET /containers/x/attach/ws
GET /containers/x/archive|PUT /containers/x/archive|HEAD /containers/x/archive
GET /containers/x/export|POST /containers/x/update|POST /containers/x/rename
POST /containers/x/kill|POST /containers/x/pause|POST /containers/x/unpause
POST /containers/x/wait|POST /containers/x/resize|GET /containers/x/top|GET /containers/x/changes
POST /containers/prune|POST /commit
POST /build|POST /build/prune|POST /session|POST /grpc
POST /images/create|POST /images/load|GET /images/get|GET /images/json|POST /images/x/tag
POST /images/x/push|DELETE /images/x|POST /images/prune|GET /images/search|GET /images/x/get
POST /networks/prune|GET /volumes|POST /volumes/prune|PUT /volumes/x
GET /plugins|POST /plugins/pull|POST /plugins/create|POST /plugins/x/enable|POST /plugins/x/set
GET /info|POST /auth|GET /distribution/x/json
POST /swarm/init|POST /swarm/join|POST /swarm/leave|POST /swarm/update|GET /swarm
GET /swarm/unlockkey|GET /services|POST /services/create|GET /nodes|POST /nodes/x/update
DELETE /nodes/x|GET /secrets|POST /secrets/create|GET /configs|POST /configs/create|GET /tasks
GET /debug/pprof/heap|GET /metrics|CONNECT docker:80|OPTIONS /_ping|TRACE /_ping|PATCH /_ping
"""


@pytest.mark.parametrize("line", NEVER.replace("\n", "|").strip("|").split("|"))
def test_request_that_nothing_needs_is_refused(
    broker: Socket, engine: Recording, line: str
) -> None:
    engine.objects["/containers/x/json"] = engine.objects[f"/containers/{SERVER}/json"]
    method, _, path = line.partition(" ")
    for version in ("/v1.41", ""):
        target = path if path.startswith("docker") else version + path
        reply = broker.ask(method, target)
        assert reply.status in (400, 403, 405), line
        assert reply.message.startswith("The broker refused")
    assert not engine.asked


def test_ping_and_version_are_answered(broker: Socket) -> None:
    assert broker.ask("GET", "/_ping").status == 200
    assert broker.ask("GET", "/version").status == 200
    assert broker.ask("GET", "/v1.41/_ping").status == 200


def test_only_images_of_environments_are_shown(broker: Socket, engine: Recording) -> None:
    engine.objects["/images/other/json"] = {"Id": "sha256:1"}
    assert broker.ask("GET", "/v1.41/images/km3net/stack/json").status == 200
    assert broker.ask("GET", "/v1.41/images/other/json").status == 403
