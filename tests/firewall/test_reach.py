"""What users' servers reach through the packet filter, tried in network namespaces."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.firewall.namespaces import BRIDGES, CONTAINERS, OTHER, OWN, World, why_not

#: Addresses for documentation, which are nowhere in use.
INTERNET = ("203.0.113.10", "192.0.2.200", "2001:db8:1::10", "2606:0:0:1::1")
#: One address of each kind that IANA's registries reserve and a site may route: the RFC of each.
PRIVATE = {
    "RFC 1918, 10/8": "10.1.2.3",
    "RFC 1918, 10/8, its end": "10.255.255.254",
    "RFC 1918, 172.16/12": "172.16.0.1",
    "RFC 1918, 172.16/12, its end": "172.31.255.254",
    "RFC 1918, 192.168/16": "192.168.7.7",
    "RFC 6598, shared (CGNAT)": "100.64.9.9",
    "RFC 6598, its end": "100.127.255.254",
    "RFC 3927, link-local": "169.254.7.7",
    "RFC 2544, benchmarks": "198.18.0.9",
    "RFC 6890, protocol assignments": "192.0.0.9",
    "RFC 1112, reserved": "240.0.0.9",
    "RFC 4193, unique local fc00": "fc00:1::7",
    "RFC 4193, unique local fd00": "fd00:20::7",
    "RFC 6052, NAT64 of 10.1.2.3": "64:ff9b::a01:203",
    "RFC 6052, NAT64 of a public address": "64:ff9b::cb00:710a",
    "RFC 8215, local NAT64": "64:ff9b:1::a01:203",
    "RFC 3056, 6to4 of 10.1.2.3": "2002:a01:203::1",
    "RFC 4380, Teredo": "2001:0:1::1",
    "RFC 3879, site-local": "fec0::7",
    "RFC 6666, discard": "100::7",
}
METADATA = (
    "169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254",
    "fd20:ce::254",
)  # fmt: skip


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    if reason := why_not():
        pytest.skip(reason)
    made = World()
    try:
        made.build()
        yield made
    finally:
        made.close()


@pytest.fixture
def internet(world: World) -> Iterator[World]:
    """With `egress: internet` and nothing else."""
    assert world.filter("apply") == 0
    yield world
    world.filter("remove")


def at(addresses: object, port: int = 80) -> list[tuple[str, int]]:
    return [(address, port) for address in addresses]  # type: ignore[attr-defined]


def everything_closed() -> list[tuple[str, int]]:
    """All that no user may reach without an exception."""
    own = [*OWN, *(f"{four}1" for _, four, _ in CONTAINERS.values()), f"{OTHER[0]}1"]
    own += [f"{six}1" for _, _, six in CONTAINERS.values()]
    neighbours = [f"{net}2" for net in (*OTHER, *CONTAINERS["bob"][1:], *CONTAINERS["portal"][1:])]
    return at([*PRIVATE.values(), *METADATA, *own, *neighbours])


def test_everything_answers_where_nothing_forbids_it(world: World) -> None:
    assert set(world.connect("ada", everything_closed() + at(INTERNET)).values()) == {"open"}


@pytest.mark.parametrize("container", ["ada", "portal"])
def test_only_the_internet_is_open(internet: World, container: str) -> None:
    own = CONTAINERS[container][1:]
    targets = [t for t in everything_closed() if not (t[0].startswith(own) and t[0].endswith("2"))]
    assert set(internet.connect(container, targets).values()) == {"TimeoutError"}
    assert set(internet.connect(container, at(INTERNET)).values()) == {"open"}


def test_people_reach_the_portal_and_get_its_answers(internet: World) -> None:
    targets = at(f"{net}2" for net in CONTAINERS["portal"][1:])
    assert set(internet.connect("world", targets).values()) == {"open"}


def test_other_services_of_the_machine_are_not_filtered(internet: World) -> None:
    assert set(internet.connect("other", at(["10.1.2.3", "203.0.113.77"])).values()) == {"open"}


def test_exceptions_open_their_network_and_ports_and_nothing_else(world: World) -> None:
    allow = "10.20.0.0/16,10.30.0.7=443+8000-8001,fd00:20::/32=443,64:ff9b::/96"
    assert world.filter("apply", KM3_EGRESS_ALLOW=allow) == 0
    try:
        for container in ("ada", "portal"):
            opened = [("10.20.9.9", 80), ("10.30.0.7", 443), ("fd00:20::9", 443),
                      ("64:ff9b::cb00:710a", 80)]  # fmt: skip
            assert set(world.connect(container, opened).values()) == {"open"}
            closed = [("10.30.0.7", 80), ("10.30.0.8", 443), ("10.21.0.1", 80), ("fd00:20::9", 80),
                      ("fd00:21::9", 443)]  # fmt: skip
            assert set(world.connect(container, closed).values()) == {"TimeoutError"}
    finally:
        world.filter("remove")


def test_exceptions_never_open_the_machine_its_networks_or_metadata(world: World) -> None:
    allow = "10.0.0.0/8,100.64.0.0/10,192.0.0.0/24,198.51.100.0/24,fd00::/8,2001:db8::/32"
    assert world.filter("apply", KM3_EGRESS_ALLOW=allow) == 0
    try:
        targets = [*at(METADATA), *at(OWN), *at(f"{net}2" for net in OTHER),
                   *at(f"{net}2" for net in CONTAINERS["bob"][1:])]  # fmt: skip
        assert set(world.connect("ada", targets).values()) == {"TimeoutError"}
    finally:
        world.filter("remove")


def test_public_networks_can_be_closed(world: World) -> None:
    allow, deny = "192.0.2.9=443", "192.0.2.0/24,2606:0:0:1::/96"
    assert world.filter("apply", KM3_EGRESS_ALLOW=allow, KM3_EGRESS_DENY=deny) == 0
    try:
        said = world.connect("ada", [*at(INTERNET), ("192.0.2.9", 443), ("192.0.2.9", 80)])
        assert [t for t, answer in said.items() if answer == "open"] == [
            "203.0.113.10 80", "2001:db8:1::10 80", "192.0.2.9 443",
        ]  # fmt: skip
    finally:
        world.filter("remove")


@pytest.mark.parametrize("resolver", ["10.255.0.53", "fd00:53::53", "169.254.169.254", OWN[1]])
def test_dns_servers_of_the_machine_answer_queries_and_nothing_else(
    world: World, resolver: str
) -> None:
    assert world.filter("apply", resolver=resolver) == 0
    try:
        assert world.connect("ada", [(resolver, 53), (resolver, 80)]) == {
            f"{resolver} 53": "open", f"{resolver} 80": "TimeoutError",
        }  # fmt: skip
    finally:
        world.filter("remove")


def test_egress_none_closes_all_but_the_users_own_network(world: World) -> None:
    assert world.filter("apply", KM3_EGRESS="none", resolver="10.255.0.53") == 0
    try:
        targets = [*everything_closed(), *at(INTERNET), ("10.255.0.53", 53)]
        assert set(world.connect("ada", targets).values()) == {"TimeoutError"}
        assert set(world.connect("portal", at(INTERNET)).values()) == {"TimeoutError"}
    finally:
        world.filter("remove")


@pytest.mark.parametrize(
    "damage",
    [
        "delete table {}",
        "flush table {}",
        "flush chain {} through",
        "insert rule {} through accept",
    ],
)
def test_check_notices_a_filter_that_is_missing_or_has_holes(internet: World, damage: str) -> None:
    assert internet.filter("check") == 0
    internet.run("machine", "nft", damage.format(f"inet km3net_{BRIDGES}"))
    assert internet.filter("check") == 1


@pytest.mark.parametrize(("variable", "value", "part"), [
    ("KM3_EGRESS", "everything", "must be internet or none"),
    ("KM3_EGRESS_ALLOW", "10.0.0.0/8;drop", "KM3_EGRESS_ALLOW: "),
    ("KM3_EGRESS_ALLOW", "10.0.0.1=443}", "'443}' is not a port"),
    ("KM3_EGRESS_DENY", "university", "KM3_EGRESS_DENY: "),
    ("KM3_BRIDGES", '"', "KM3_BRIDGES must contain"),
])  # fmt: skip
def test_invalid_variables_leave_the_filter_as_it_is(
    internet: World, capfd: pytest.CaptureFixture[str], variable: str, value: str, part: str
) -> None:
    assert internet.filter("apply", **{variable: value}) != 0
    assert part in capfd.readouterr().err
    assert internet.filter("check") == 0
