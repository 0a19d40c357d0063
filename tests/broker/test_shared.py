"""Shared folders: those of platform.yaml, at their own place, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from km3settings.names import PROJECT_LABEL, SHARED_LABEL
from tests.broker.objects import HOME, LABELS, SERVER, create_body, volume
from tests.broker.recording import Recording
from tests.broker.running import NAMES, PROJECT, Socket, running

CREATE = f"/v1.41/containers/create?name={SERVER}"
VOLUMES = "/v1.41/volumes/create"
SETTINGS = "homes: {shared: {school: {size: 1G}, lab: {size: 1G}}}"
SCHOOL = NAMES.shared("school")


def labels_of(folder: str) -> dict[str, str]:
    return {PROJECT_LABEL: PROJECT, SHARED_LABEL: folder}


@pytest.fixture
def broker(tmp_path: Path, engine: Recording) -> Iterator[Socket]:
    for folder in ("school", "lab", "other"):
        name = NAMES.shared(folder)
        engine.objects[f"/volumes/{name}"] = volume(name, labels_of(folder))
    with running(tmp_path, engine.path, SETTINGS) as found:
        yield found


def body_with(*binds: object) -> dict[str, Any]:
    body = create_body()
    body["HostConfig"]["Binds"] = [f"{HOME}:/home/km3:rw", *binds]
    targets = [str(bind).split(":")[1] for bind in binds if str(bind).count(":")]
    body["Volumes"] = {"/home/km3": {}} | {target: {} for target in targets}
    return body


def test_folders_of_the_settings_are_created_and_mounted(broker: Socket, engine: Recording) -> None:
    body = {"Name": SCHOOL, "Labels": labels_of("school")}
    assert broker.ask("POST", VOLUMES, body).status == 201
    for binds in (
        [f"{SCHOOL}:/shared/school:rw"],
        [f"{NAMES.shared('lab')}:/shared/lab:rw", f"{SCHOOL}:/shared/school:rw"],
        [],
    ):
        assert broker.ask("POST", CREATE, body_with(*binds)).status == 201


@pytest.mark.parametrize(
    "bind",
    [
        f"{NAMES.shared('other')}:/shared/other:rw",
        f"{SCHOOL}:/shared/lab:rw",
        f"{SCHOOL}:/shared/../etc:rw",
        f"{SCHOOL}:/shared/school/..:rw",
        f"{SCHOOL}:/home/km3:rw",
        f"{SCHOOL}:/shared/school:rw,shared",
        f"{SCHOOL}/../{NAMES.state}:/shared/school:rw",
        f"{NAMES.shared('')}:/shared/:rw",
        f"{NAMES.shared('../school')}:/shared/school:rw",
        f"{NAMES.home('bob')}:/shared/school:rw",
        f"{NAMES.state}:/shared/school:rw",
        "/:/shared/school:rw",
        "",
        7,
        None,
    ],
)
def test_anything_else_is_refused(broker: Socket, engine: Recording, bind: object) -> None:
    name = str(bind).partition(":")[0]
    engine.objects.setdefault(f"/volumes/{name}", volume(name, labels_of("school")))
    for binds in ([bind], [f"{SCHOOL}:/shared/school:rw", bind]):
        assert broker.ask("POST", CREATE, body_with(*binds)).status == 403
    assert not engine.changes


def test_one_folder_is_not_mounted_twice(broker: Socket, engine: Recording) -> None:
    bind = f"{SCHOOL}:/shared/school:rw"
    assert broker.ask("POST", CREATE, body_with(bind, bind)).status == 403
    assert not engine.changes


@pytest.mark.parametrize(
    "found",
    [
        volume(SCHOOL, labels_of("school") | {PROJECT_LABEL: "another"}),
        volume(SCHOOL, labels_of("lab")),
        volume(SCHOOL, LABELS),
        volume(SCHOOL, LABELS | labels_of("school")),
        volume(SCHOOL, None),
        volume(SCHOOL, labels_of("school")) | {"Options": {"device": "/", "o": "bind"}},
        volume(SCHOOL, labels_of("school")) | {"Driver": "nfs"},
    ],
)
def test_a_volume_that_is_something_else_is_not_mounted(
    broker: Socket, engine: Recording, found: dict[str, Any]
) -> None:
    engine.objects[f"/volumes/{SCHOOL}"] = found
    assert broker.ask("POST", CREATE, body_with(f"{SCHOOL}:/shared/school:rw")).status == 403
    assert not engine.changes


@pytest.mark.parametrize(
    "body",
    [
        {"Name": NAMES.shared("other"), "Labels": labels_of("other")},
        {"Name": SCHOOL, "Labels": labels_of("lab")},
        {"Name": SCHOOL, "Labels": LABELS},
        {"Name": SCHOOL, "Labels": LABELS | labels_of("school")},
        {"Name": NAMES.state, "Labels": labels_of("school")},
        {"Name": SCHOOL, "Labels": labels_of("school"), "DriverOpts": {"device": "/"}},
    ],
)
def test_another_volume_is_not_created(
    broker: Socket, engine: Recording, body: dict[str, Any]
) -> None:
    assert broker.ask("POST", VOLUMES, body).status == 403
    assert not engine.changes


def test_the_hub_cannot_delete_a_shared_folder(broker: Socket, engine: Recording) -> None:
    assert broker.ask("DELETE", f"/v1.41/volumes/{SCHOOL}").status == 403
    assert not engine.changes
