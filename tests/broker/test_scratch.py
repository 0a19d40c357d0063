"""The scratch folder: mounted where the settings have one, and only the user's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.broker.objects import HOME, LABELS, SERVER, create_body, volume
from tests.broker.recording import Recording
from tests.broker.running import NAMES, Socket, running

CREATE = f"/v1.41/containers/create?name={SERVER}"
VOLUMES = "/v1.41/volumes/create"
OWN = NAMES.scratch("ada")


@pytest.fixture
def broker(tmp_path: Path, engine: Recording) -> Iterator[Socket]:
    with running(tmp_path, engine.path, "homes: {scratch: {size: 1G}}") as found:
        yield found


def body_with(*binds: str) -> dict[str, Any]:
    body = create_body()
    body["HostConfig"]["Binds"] = [f"{HOME}:/home/km3:rw", *binds]
    body["Volumes"] = {"/home/km3": {}, "/scratch": {}}
    return body


def test_the_users_own_is_created_and_mounted(broker: Socket, engine: Recording) -> None:
    assert broker.ask("POST", VOLUMES, {"Name": OWN, "Labels": LABELS}).status == 201
    engine.objects[f"/volumes/{OWN}"] = volume(OWN, LABELS)
    assert broker.ask("POST", CREATE, body_with(f"{OWN}:/scratch:rw")).status == 201
    # A hub without the service for homes mounts none.
    assert broker.ask("POST", CREATE, create_body()).status == 201


@pytest.mark.parametrize(
    "bind",
    [
        f"{NAMES.scratch('bob')}:/scratch:rw",
        f"{OWN}.2:/scratch:rw",
        f"{OWN}:/etc:rw",
        "/:/scratch:rw",
        f"{NAMES.state}:/scratch:rw",
        f"{NAMES.homes}:/scratch:rw",
    ],
)
def test_anything_else_is_refused(broker: Socket, engine: Recording, bind: str) -> None:
    name = bind.partition(":")[0]
    for known in {OWN, name}:
        engine.objects[f"/volumes/{known}"] = volume(known, LABELS)
    assert broker.ask("POST", CREATE, body_with(bind)).status == 403
    assert broker.ask("POST", CREATE, body_with(f"{OWN}:/scratch:rw", bind)).status == 403
    assert not engine.changes


def test_a_scratch_folder_with_options_or_another_owner_is_refused(
    broker: Socket, engine: Recording
) -> None:
    body = {"Name": OWN, "Labels": LABELS, "DriverOpts": {"device": "/", "o": "bind"}}
    assert broker.ask("POST", VOLUMES, body).status == 403
    for found in (
        volume(OWN, LABELS) | {"Options": {"device": "/", "o": "bind"}},
        volume(OWN, LABELS | {"org.km3net.user": "bob"}),
    ):
        engine.objects[f"/volumes/{OWN}"] = found
        assert broker.ask("POST", CREATE, body_with(f"{OWN}:/scratch:rw")).status == 403
    assert not engine.changes
