"""A platform.yaml that is edited while the broker runs: hub and broker may have read it at
different times.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.broker.objects import DIGEST, GIB, SERVER, create_body
from tests.broker.recording import Recording
from tests.broker.running import Socket, running

CREATE = f"/v1.41/containers/create?name={SERVER}"
ONE_SIZE = "sizes: [{{name: only, memory: {}, cpu: 1}}]"


def create(broker: Socket, gibibytes: int) -> int:
    body = create_body()
    memory = gibibytes * GIB
    body["HostConfig"] |= {"Memory": memory, "MemorySwap": memory}
    body["HostConfig"]["Tmpfs"]["/tmp"] = f"rw,exec,nosuid,nodev,mode=1777,size={memory // 2}"
    return broker.ask("POST", CREATE, body).status


def write(file: Path, text: str) -> None:
    draft = file.with_suffix(".new")
    draft.write_text(text)
    os.replace(draft, file)


def test_sizes_of_the_start_and_of_now_are_allowed(tmp_path: Path, engine: Recording) -> None:
    with running(tmp_path, engine.path, ONE_SIZE.format("3G")) as broker:
        assert [create(broker, n) for n in (3, 5, 6)] == [201, 403, 403]
        write(tmp_path / "platform.yaml", ONE_SIZE.format("5G"))
        assert [create(broker, n) for n in (3, 5, 6)] == [201, 201, 403]
        write(tmp_path / "platform.yaml", ONE_SIZE.format("6G"))
        assert [create(broker, n) for n in (3, 5, 6)] == [201, 403, 201]


def test_invalid_file_changes_nothing(tmp_path: Path, engine: Recording) -> None:
    with running(tmp_path, engine.path, ONE_SIZE.format("3G")) as broker:
        write(tmp_path / "platform.yaml", "sizes: [")
        assert [create(broker, n) for n in (3, 5)] == [201, 403]
        (tmp_path / "platform.yaml").unlink()
        assert [create(broker, n) for n in (3, 5)] == [201, 403]


def test_new_environment_needs_no_restart(tmp_path: Path, engine: Recording) -> None:
    image = "example.org:5000/mine@sha256:" + "7" * 64
    engine.objects[f"/images/{image.replace('@', '%40')}/json"] = {"Id": DIGEST}
    engine.objects[f"/images/{image}/json"] = {"Id": DIGEST}
    with running(tmp_path, engine.path) as broker:
        body = create_body() | {"Image": image, "Hostname": "mine"}
        assert broker.ask("POST", CREATE, body).status == 403
        mine = f"environments: [{{name: mine, title: Mine, image: '{image}'}}]"
        write(tmp_path / "platform.yaml", mine)
        shown = broker.ask("GET", f"/v1.41/images/{image.replace('@', '%40')}/json")
        assert shown.status == 200
        assert broker.ask("POST", CREATE, body).status == 201
