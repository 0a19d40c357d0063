"""What a swarm is asked to run for a user."""

from __future__ import annotations

from typing import Any

import pytest

from km3hub.spawning.options import choose
from km3hub.spawning.swarm import service_spec
from km3hub.spawning.tasks import lives, newest
from km3settings.settings import SettingsError, parse
from km3settings.state import State
from km3up.checkout import Checkout
from km3up.failure import Failure

SETTINGS = parse(
    {
        "environments": [{"name": "stack", "title": "Stack", "image": "hub:5000/km3net/stack@x"}],
        "sizes": [{"name": "small", "memory": "1G", "cpu": 0.5}],
        "spawner": {"kind": "swarm", "pids": 300},
    }
)


@pytest.fixture(scope="module")
def task() -> Any:
    """As sent over the wire: without values that are not set."""
    return service_spec(
        choose(SETTINGS, [], {}),
        environment={"A": "b"},
        pids=SETTINGS.spawner.pids,
        network="km3net-user-ada",
        host="w1",
        home="km3net-home-ada",
        labels={"org.km3net.user": "ada"},
    )["task_template"]


def test_server_has_no_rights_and_cannot_write_the_system(task: Any) -> None:
    container = task["ContainerSpec"]
    assert container["CapabilityDrop"] == ["ALL"]
    assert "CapabilityAdd" not in container
    assert container["ReadOnly"] is True
    assert container["User"] == "1000:1000"
    assert container["Ulimits"] == [{"Name": "nofile", "Soft": 16384, "Hard": 16384}]


def test_limits_are_those_of_the_size(task: Any) -> None:
    assert task["Resources"]["Limits"] == {
        "MemoryBytes": 1024**3,
        "NanoCPUs": 500_000_000,
        "Pids": 300,
    }


def test_server_runs_where_the_home_is_and_in_its_own_network(task: Any) -> None:
    assert task["Placement"]["Constraints"] == ["node.labels.org.km3net.host == w1"]
    assert task["Networks"] == [{"Target": "km3net-user-ada"}]
    home = task["ContainerSpec"]["Mounts"][0]
    assert (home["Type"], home["Source"], home["Target"]) == (
        "volume",
        "km3net-home-ada",
        "/home/km3",
    )
    assert home["VolumeOptions"]["Labels"] == {"org.km3net.user": "ada"}


def test_nothing_else_is_mounted_but_memory(task: Any) -> None:
    others = task["ContainerSpec"]["Mounts"][1:]
    assert {mount["Type"] for mount in others} == {"tmpfs"}
    assert sum(mount["TmpfsOptions"]["SizeBytes"] for mount in others) < 1024**3


def test_server_that_ended_is_not_started_again_by_the_swarm(task: Any) -> None:
    assert task["RestartPolicy"]["Condition"] == "none"


def test_newest_task_of_a_service_counts() -> None:
    old = {"CreatedAt": "2026-11-22T10:00:00.1Z", "Status": {"State": "running"}}
    new = {"CreatedAt": "2026-11-22T10:00:09.1Z", "Status": {"State": "failed"}}
    found = newest([new, old])
    assert found is new
    assert not lives(new)
    assert lives(old)
    assert newest([]) is None


def test_make_up_refuses_a_swarm(tmp_path: Any) -> None:
    file = tmp_path / "platform.yaml"
    file.write_text("spawner: {kind: swarm}")
    checkout = Checkout(
        root=tmp_path, state=State(tmp_path), project="t", settings_file=file, say=print
    )
    for asked in ("auto", "docker", "embedded"):
        with pytest.raises(Failure, match=r"deploy/README\.md"):
            checkout.choose_mode(asked)


def test_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="swarm"):
        parse({"spawner": {"kind": "kubernetes"}})
