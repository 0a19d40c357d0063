"""Which machine of a swarm starts a user's server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from km3hub.spawning.hosts import HOST_LABEL, Host, HostsFile, NoHost, known_hosts, pick

GIGA = 1024**3


def host(name: str, *, memory: int = 8, answers: bool = True, active: bool = True) -> Host:
    return Host(name, f"node-{name}", memory * GIGA, answers, active)


def hosts(*found: Host) -> dict[str, Host]:
    return {entry.name: entry for entry in found}


@pytest.fixture
def file(tmp_path: Path) -> HostsFile:
    return HostsFile(tmp_path / "hosts.json")


def test_new_user_goes_to_the_machine_with_most_free_memory(file: HostsFile) -> None:
    two = hosts(host("w1", memory=8), host("w2", memory=16))
    assert pick("ada", two, file, {}, "us").name == "w2"
    assert pick("bob", two, file, {"w2": 12 * GIGA}, "us").name == "w1"
    assert file.homes == {"ada": "w2", "bob": "w1"}


def test_user_stays_where_the_home_is(file: HostsFile) -> None:
    file.place({"ada": "w1"})
    two = hosts(host("w1", memory=1), host("w2", memory=64))
    assert pick("ada", two, file, {"w1": 99 * GIGA}, "us").name == "w1"


def test_home_that_is_noted_already_stays(file: HostsFile) -> None:
    file.place({"ada": "w1"})
    assert file.place({"ada": "w2", "bob": "w2"}) == {"ada": "w1", "bob": "w2"}


def test_lost_machine_is_reported_and_no_other_one_is_chosen(file: HostsFile) -> None:
    file.place({"ada": "w1"})
    for left in (hosts(host("w2")), hosts(host("w1", answers=False), host("w2"))):
        with pytest.raises(NoHost, match=r"machine w1, which does not answer.*tell us"):
            pick("ada", left, file, {}, "us")
    assert file.homes == {"ada": "w1"}


def test_closed_machine_starts_nothing_until_it_is_opened(file: HostsFile) -> None:
    file.place({"ada": "w1"})
    two = hosts(host("w1", memory=64), host("w2"))
    file.close("w1")
    assert file.homes == {"ada": "w1"}
    with pytest.raises(NoHost, match="w1, which is being serviced"):
        pick("ada", two, file, {}, "us")
    assert pick("bob", two, file, {}, "us").name == "w2"
    file.open("w1")
    assert pick("ada", two, file, {}, "us").name == "w1"


def test_users_of_a_forgotten_machine_get_a_home_elsewhere(file: HostsFile) -> None:
    file.place({"ada": "w1", "bob": "w2", "eve": "w1"})
    file.close("w1")
    file.close("w2")
    assert file.forget("w1") == ["ada", "eve"]
    assert file.homes == {"bob": "w2"}
    assert file.closed == {"w2"}
    assert pick("ada", hosts(host("w3")), file, {}, "us").name == "w3"
    assert file.forget("w1") == []


def test_drained_machine_starts_nothing(file: HostsFile) -> None:
    file.place({"ada": "w1"})
    two = hosts(host("w1", active=False), host("w2"))
    with pytest.raises(NoHost, match="being serviced"):
        pick("ada", two, file, {}, "us")


def test_site_without_an_open_machine_says_so(file: HostsFile) -> None:
    file.close("w1")
    with pytest.raises(NoHost, match="No machine of this site accepts new users"):
        pick("ada", hosts(host("w1")), file, {}, "us")
    assert not file.homes


def node(identifier: str, name: str | None, state: str = "ready") -> dict[str, Any]:
    return {
        "ID": identifier,
        "Spec": {"Labels": {HOST_LABEL: name} if name else None, "Availability": "active"},
        "Status": {"State": state},
        "Description": {"Resources": {"MemoryBytes": GIGA}},
    }


def test_only_labelled_nodes_are_machines_for_users() -> None:
    assert list(known_hosts([node("a", "w1"), node("b", None)])) == ["w1"]


def test_rejoined_machine_is_its_new_node() -> None:
    both = [node("new", "w1"), node("old", "w1", "down")]
    for order in (both, both[::-1]):
        assert known_hosts(order)["w1"].node == "new"


def test_file_is_one_that_people_can_read(file: HostsFile) -> None:
    file.place({"ada": "w1"})
    file.close("w2")
    assert json.loads(file.path.read_text()) == {"homes": {"ada": "w1"}, "closed": ["w2"]}
