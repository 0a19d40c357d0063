"""Addresses of users' networks, on the real engine without a hub."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import docker
import pytest
import yaml
from docker.errors import NotFound

from km3hub.spawning.networks import NetworkError, UserNetworks
from km3settings.members import too_many_members
from km3settings.names import Names

ROOT = Path(__file__).resolve().parents[3]
POOL = "10.214.7.0/27"  # four places


@pytest.fixture
def networks(engine_and_images: None) -> Iterator[UserNetworks]:
    """The networks of a project whose `net` is an idle container."""
    engine = docker.from_env()
    names = Names("km3t-nets")
    net = engine.containers.run(
        "km3net/proxy", ["sleep", "infinity"], name=names.net, detach=True, network_mode="bridge"
    )
    made = UserNetworks(client=engine.api, names=names, pool=POOL, egress="internet")
    yield made
    for network in list(made.all()):
        made.remove(network["Name"])
    with contextlib.suppress(NotFound):
        net.remove(force=True)


def provide(networks: UserNetworks, number: int, user: str) -> dict[str, object]:
    name = networks.names.server(user)
    networks.provide(name, number=number, user=user)
    found: dict[str, object] = networks.client.inspect_network(name)
    return found


def subnet(network: dict[str, object]) -> str:
    return str(network["IPAM"]["Config"][0]["Subnet"])  # type: ignore[index]


def test_places_follow_the_users_number(networks: UserNetworks) -> None:
    assert subnet(provide(networks, 0, "ada")) == "10.214.7.0/29"
    assert subnet(provide(networks, 2, "bob")) == "10.214.7.16/29"


def test_the_hub_joins_under_its_name(networks: UserNetworks) -> None:
    provide(networks, 0, "ada")
    net = networks.client.inspect_container(networks.names.net)
    aliases = net["NetworkSettings"]["Networks"][networks.names.server("ada")]["Aliases"]
    assert "hub" in aliases


def test_occupied_place_is_passed_over(networks: UserNetworks) -> None:
    # User 4 has the place of user 0 in a pool of four.
    assert subnet(provide(networks, 0, "ada")) == "10.214.7.0/29"
    assert subnet(provide(networks, 4, "bob")) == "10.214.7.8/29"


def test_a_full_address_pool_is_reported_with_its_remedy(networks: UserNetworks) -> None:
    for number in range(4):
        provide(networks, number, f"user{number}")
    with pytest.raises(
        NetworkError, match=r"no free addresses .* choose another spawner.network_pool"
    ):
        provide(networks, 4, "one-too-many")


def test_second_call_changes_nothing(networks: UserNetworks) -> None:
    assert provide(networks, 1, "ada")["Id"] == provide(networks, 1, "ada")["Id"]


def test_a_change_of_egress_recreates_the_network(networks: UserNetworks) -> None:
    before = provide(networks, 1, "ada")
    after = provide(replace(networks, egress="none"), 1, "ada")
    assert before["Id"] != after["Id"]
    assert after["Internal"] is True


def test_hub_that_left_joins_again(networks: UserNetworks) -> None:
    name = str(provide(networks, 1, "ada")["Name"])
    networks.client.disconnect_container_from_network(networks.names.net, name)
    assert len(provide(networks, 1, "ada")["Containers"]) == 1  # type: ignore[arg-type]


def test_without_the_hub_it_fails(networks: UserNetworks) -> None:
    networks.client.remove_container(networks.names.net, force=True)
    with pytest.raises(NetworkError, match="cannot join"):
        provide(networks, 1, "ada")


def test_absent_data_service_does_not_keep_users_out(networks: UserNetworks) -> None:
    assert provide(replace(networks, services=("km3t-no-such-service",)), 1, "ada")


def test_removing_twice_is_not_an_error(networks: UserNetworks) -> None:
    name = str(provide(networks, 1, "ada")["Name"])
    networks.remove(name)
    networks.remove(name)
    assert list(networks.all()) == []


def test_bridges_of_two_projects_differ_and_fit_the_kernel() -> None:
    names = [Names(project) for project in ("km3net", "km3net-2", "km3net-test", "x" * 60)]
    assert len({n.bridges for n in names}) == len(names)
    assert all(len(f"{n.user_bridges}9999999") <= 15 for n in names)


def test_control_network_sorts_before_users() -> None:
    # The engine takes the default route of `net` from its first network by name.
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    control = compose["networks"]["control"]["name"].replace("${KM3_PROJECT:-km3net}", "km3net")
    assert control == "km3net-control"
    assert control < Names("km3net").server("0")


def test_more_services_than_fit_are_refused() -> None:
    assert too_many_members(["a", "b", "c"]) is None
    assert "at most 3" in str(too_many_members(["a", "b", "c", "d"]))
