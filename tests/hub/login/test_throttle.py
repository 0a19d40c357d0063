"""Who must wait, and for how long."""

from __future__ import annotations

import pytest
from tornado.httputil import HTTPHeaders, HTTPServerRequest

from km3hub.login.address import client_address
from km3hub.login.throttle import Throttle


class Clock:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def throttle(clock: Clock) -> Throttle:
    return Throttle(attempts=3, pause=60, clock=clock)


def test_a_pause_follows_the_last_allowed_failure(throttle: Throttle, clock: Clock) -> None:
    assert [throttle.failed("ada", "192.0.2.1") for _ in range(3)] == [0, 0, 60]
    # Neither from elsewhere nor for others.
    assert throttle.wait("ada", "198.51.100.7") == 0
    assert throttle.wait("bob", "192.0.2.1") == 0
    clock.now += 59.5
    assert throttle.wait("ada", "192.0.2.1") == 1
    clock.now += 0.5
    assert throttle.wait("ada", "192.0.2.1") == 0
    # The count begins anew after a pause.
    assert throttle.failed("ada", "192.0.2.1") == 0


def test_each_pause_is_twice_as_long_up_to_a_day(throttle: Throttle, clock: Clock) -> None:
    pauses = []
    for _ in range(14):
        pauses.append(max(throttle.failed("ada", "192.0.2.1") for _ in range(3)))
        clock.now += pauses[-1]
    assert pauses[:5] == [60, 120, 240, 480, 960]
    assert pauses[-3:] == [86400] * 3


def test_a_failure_at_the_same_time_as_the_last_one_does_not_end_the_pause(
    throttle: Throttle, clock: Clock
) -> None:
    for _ in range(4):
        throttle.failed("ada", "192.0.2.1")
        clock.now += 1
    assert throttle.wait("ada", "192.0.2.1") == 58


def test_failures_long_ago_do_not_count(throttle: Throttle, clock: Clock) -> None:
    for _ in range(10):
        assert throttle.failed("ada", "192.0.2.1") == 0
        clock.now += 61


def test_guesses_from_many_addresses_reach_the_limit_of_the_name(
    throttle: Throttle, clock: Clock
) -> None:
    pauses = [throttle.failed("ada", f"198.51.100.{number}") for number in range(30)]
    assert pauses == [0] * 29 + [60]
    assert throttle.wait("ada", "203.0.113.1") == 60
    assert throttle.wait("bob", "203.0.113.1") == 0
    # It does not grow: strangers could lock the owner out for a day.
    clock.now += 60
    assert [throttle.failed("ada", f"203.0.113.{number}") for number in range(30)][-1] == 60


def test_a_known_device_passes_all_limits_that_strangers_can_reach(throttle: Throttle) -> None:
    for number in range(100):
        throttle.failed("ada", f"198.51.100.{number}")
        throttle.failed(f"user-{number}", "192.0.2.1")
        throttle.failed("ada", "192.0.2.1")
    assert throttle.wait("ada", "192.0.2.1") > 0
    assert throttle.wait("ada", "192.0.2.1", "7") == 0
    # It has a limit of its own, and strangers do not pay for it.
    assert [throttle.failed("ada", "192.0.2.9", "7") for _ in range(3)] == [0, 0, 60]
    assert throttle.wait("ada", "192.0.2.9", "8") == 0
    assert throttle.wait("bob", "192.0.2.9") == 0


def test_a_success_resets_its_own_address_and_nothing_else(throttle: Throttle) -> None:
    for number in range(30):
        throttle.failed("ada", "192.0.2.1")
        throttle.succeeded("ada", "192.0.2.1")
        assert (throttle.wait("bob", "192.0.2.1") > 0) == (number == 29)
    for _ in range(3):
        throttle.failed("eve", "192.0.2.2")
    throttle.succeeded("eve", "192.0.2.3")
    assert throttle.wait("eve", "192.0.2.2") > 0


def test_a_new_password_resets_its_user(throttle: Throttle) -> None:
    for number in range(40):
        throttle.failed("ada", f"198.51.100.{number % 4}")
    throttle.failed("adam", "198.51.100.9")
    throttle.forget("ada")
    assert throttle.wait("ada", "203.0.113.1") == 0
    assert throttle.wait("ada", "203.0.113.1", "3") == 0


def test_names_that_cannot_exist_count_for_the_address(throttle: Throttle) -> None:
    for _ in range(30):
        throttle.failed(None, "192.0.2.1")
    assert throttle.wait("ada", "192.0.2.1") == 60
    assert throttle.wait("ada", "192.0.2.2") == 0


def test_an_ipv6_client_cannot_change_its_address_within_its_network(throttle: Throttle) -> None:
    for number in range(30):
        throttle.failed(f"user-{number}", f"2001:db8:1:2::{number:x}")
    assert throttle.wait("ada", "2001:db8:1:2:ffff::1") == 60
    assert throttle.wait("ada", "2001:db8:1:3::1") == 0


def test_an_ipv4_address_in_ipv6_clothes_is_the_same(throttle: Throttle) -> None:
    for number in range(30):
        throttle.failed(f"user-{number}", "::ffff:192.0.2.1")
    assert throttle.wait("ada", "192.0.2.1") == 60


def test_memory_is_bounded_and_the_oldest_go_first(clock: Clock) -> None:
    throttle = Throttle(attempts=1, pause=60, room=100, clock=clock)
    for number in range(10_000):
        throttle.failed(f"user-{number}", f"10.0.{number // 256}.{number % 256}")
    assert len(throttle) == 300
    assert throttle.wait("user-0", "10.0.0.0") == 0
    assert throttle.wait("user-9999", f"10.0.{9999 // 256}.{9999 % 256}") == 60


class _Context:
    def __init__(self, peer: str) -> None:
        self.address = (peer, 12345)


class _Connection:
    def __init__(self, peer: str) -> None:
        self.context = _Context(peer)


def request(peer: str, **headers: str) -> HTTPServerRequest:
    """A request as tornado makes it for a connection from `peer`."""
    named = HTTPHeaders({name.replace("_", "-"): value for name, value in headers.items()})
    return HTTPServerRequest("GET", "/", headers=named, connection=_Connection(peer))


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "address"),
    [
        # Our proxy, on loopback, appends the address that it saw.
        ("127.0.0.1", "203.0.113.5", (), "203.0.113.5"),
        ("::1", "203.0.113.5", (), "203.0.113.5"),
        ("127.0.0.1", "1.2.3.4, 203.0.113.5", (), "203.0.113.5"),
        ("127.0.0.1", "1.2.3.4, ::ffff:127.0.0.1", (), "::ffff:127.0.0.1"),
        # A web server in front of it is believed only where the settings name it.
        ("127.0.0.1", "203.0.113.5, 10.0.0.1", (), "10.0.0.1"),
        ("127.0.0.1", "1.2.3.4, 203.0.113.5, 10.0.0.1", ("10.0.0.1",), "203.0.113.5"),
        ("127.0.0.1", "203.0.113.5, ::ffff:127.0.0.1", ("127.0.0.1",), "203.0.113.5"),
        # Whoever reaches the hub past the proxy (a user's container) is believed nothing.
        ("10.213.0.2", "203.0.113.5", (), "10.213.0.2"),
        ("127.0.0.1", "", (), "127.0.0.1"),
        ("127.0.0.1", "x" * 10_000, (), "x" * 64),
    ],
)
def test_the_address_is_the_one_that_a_trusted_proxy_saw(
    peer: str, forwarded: str, trusted: tuple[str, ...], address: str
) -> None:
    seen = request(peer, X_Forwarded_For=forwarded, X_Real_Ip="6.6.6.6")
    assert client_address(seen, trusted) == address
