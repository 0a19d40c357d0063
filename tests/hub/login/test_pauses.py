"""Too many failed logins at a real hub."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from km3hub.cli import main
from km3hub.login.front import recorded
from tests.hub.conftest import StartHub
from tests.hub.running import RunningHub, login_error

STATUS = """
from km3hub.configure.status import configure_status

configure_status(c, platform, runtime)
"""


@pytest.fixture(scope="module")
def strict(start_hub: StartHub) -> RunningHub:
    """A hub that allows 2 failures of a user, 20 of an address, and then pauses for minutes."""
    return start_hub(settings="login: {attempts: 2, pause_seconds: 600}")


@pytest.mark.parametrize("name", ["ada", "nobody"])
def test_a_user_must_wait_after_too_many_failures(
    strict: RunningHub, password: str, name: str
) -> None:
    with strict.client() as browser:
        assert browser.login(name, "wrong").status_code == 403
        assert browser.login(name, "wrong").status_code == 403
        # Now even the right password waits, and the answer does not tell whether it is right.
        answer = browser.login(name, password)
        assert answer.status_code == 429
        assert re.fullmatch(
            r"Too many failed logins\. Try again in (9|10) minutes\.", login_error(answer.text)
        )
        assert 500 < int(answer.headers["retry-after"]) <= 600
        # Others are not held up.
        assert browser.login("root", password).status_code == 302


def test_an_address_must_wait_after_ten_times_as_many(strict: RunningHub, password: str) -> None:
    """X-Real-Ip and X-Forwarded-For are what an attacker may send; neither makes a new address."""
    statuses = []
    for number in range(25):
        forged = f"192.0.2.{number}"
        headers = {"X-Real-Ip": forged, "X-Forwarded-For": forged, "Forwarded": f"for={forged}"}
        with strict.client(headers=headers) as browser:
            statuses.append(browser.login(f"guess-{number}", "wrong").status_code)
    assert statuses.index(429) <= 20
    assert set(statuses[statuses.index(429) :]) == {429}
    with strict.client() as browser:
        assert browser.login("root", password).status_code == 429
    paused = [line for line in strict.log.splitlines() if "a pause of 600 s" in line]
    assert len(paused) <= 4


@pytest.fixture(scope="module")
def behind(start_hub: StartHub) -> RunningHub:
    """A hub behind a web server on this machine whose word about addresses counts."""
    settings = "login: {attempts: 2, pause_seconds: 600, trusted_proxies: [127.0.0.1]}"
    return start_hub(settings=settings)


def attempt(hub: RunningHub, name: str, password: str, seen: str, forged: str = "") -> int:
    """The answer to an attempt of a client that the web server saw at the address `seen`."""
    named = f"{forged}, {seen}" if forged else seen
    with hub.client(headers={"X-Forwarded-For": named, "X-Real-Ip": forged or seen}) as browser:
        return browser.login(name, password).status_code


def test_behind_a_trusted_proxy_forged_addresses_do_not_count(
    behind: RunningHub, password: str
) -> None:
    answers = [
        attempt(behind, "ada", "wrong", "203.0.113.5", forged=f"192.0.2.{number}")
        for number in range(4)
    ]
    assert answers == [403, 403, 429, 429]
    # The same user elsewhere, and others there, are not held up.
    assert attempt(behind, "ada", password, "203.0.113.6") == 302
    assert attempt(behind, "root", password, "203.0.113.5") == 302


def test_guesses_from_many_addresses_end_and_do_not_lock_out_the_owner(
    behind: RunningHub, password: str
) -> None:
    behind.accounts.add("curie", password)
    # As much as several machines could do; each address stays below its own limit.
    with behind.client(headers={"X-Forwarded-For": "203.0.113.77"}) as owner:
        assert owner.login("curie", password).status_code == 302
        owner.get("/hub/logout")
        answers = [
            attempt(behind, "curie", "wrong", f"198.51.100.{number}") for number in range(25)
        ]
        assert answers == [403] * 20 + [429] * 5
        # A stranger has to wait, even with the right password.
        assert attempt(behind, "curie", password, "203.0.113.8") == 429
        # The owner has not, in the browser that is known, wherever it is.
        owner.headers["X-Forwarded-For"] = "198.51.100.3"
        assert owner.login("curie", password).status_code == 302


def test_a_known_device_is_none_for_guessing(behind: RunningHub, password: str) -> None:
    behind.accounts.add("noether", password)
    with behind.client(headers={"X-Forwarded-For": "203.0.113.90"}) as thief:
        assert thief.login("noether", password).status_code == 302
        thief.get("/hub/logout")
        answers = [thief.login("noether", "wrong").status_code for _ in range(4)]
        assert answers == [403, 403, 429, 429]
        # And of no use for another name: that counts for the address.
        assert [thief.login("ada", "wrong").status_code for _ in range(3)] == [403, 403, 429]


def test_a_new_password_ends_the_pause_of_its_owner(behind: RunningHub, password: str) -> None:
    behind.accounts.add("meitner", password)
    for number in range(21):
        attempt(behind, "meitner", "wrong", f"198.51.100.{number}")
    assert attempt(behind, "meitner", password, "203.0.113.8") == 429
    behind.accounts.set_password("meitner", "another-long-password-5")
    assert attempt(behind, "meitner", "another-long-password-5", "203.0.113.8") == 302


def test_the_device_of_a_former_holder_is_unknown_to_the_next_one(
    behind: RunningHub, password: str
) -> None:
    behind.accounts.add("gone", password)
    with behind.client(headers={"X-Forwarded-For": "203.0.113.91"}) as former:
        former.login("gone", password)
        behind.accounts.remove("gone")
        behind.accounts.add("gone", password)
        for number in range(21):
            attempt(behind, "gone", "wrong", f"198.51.100.{number}")
        assert former.login("gone", password).status_code == 429


def test_a_forged_device_is_unknown(behind: RunningHub, password: str) -> None:
    behind.accounts.add("forged", password)
    for number in range(21):
        attempt(behind, "forged", "wrong", f"198.51.100.{number}")
    with behind.client(headers={"X-Forwarded-For": "203.0.113.92"}) as browser:
        browser.login("ada", password)
        value = next(c.value for c in browser.cookies.jar if c.name == "km3-device")
        assert value
        browser.get("/hub/logout")
        for forged in (value, value[:-3] + "abc", "{}", ""):
            browser.cookies.set("km3-device", forged, domain="127.0.0.1", path="/hub/login")
            assert browser.login("forged", password).status_code == 429


def test_a_proxy_that_is_not_trusted_is_found_and_named(
    start_hub: StartHub, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = start_hub(config=STATUS)
    monkeypatch.delenv("KM3_MODE", raising=False)
    command = ["check", str(hub.settings_file), "--state", str(hub.state.root)]
    words = "most logins from 127.0.0.1 come through it for other clients"
    for number in range(4):
        assert attempt(hub, "ada", password, f"203.0.113.{number}") == 302
    assert words not in CliRunner().invoke(main, command).output
    assert attempt(hub, "ada", "wrong", "203.0.113.9") == 403
    with hub.client() as stranger, hub.client(headers={"X-Forwarded-For": "203.0.113.5"}) as admin:
        page = stranger.get("/hub/status").text
        assert "Logins come through a web server that this platform does not know" in page
        assert words not in page
        assert stranger.get("/hub/status.json").json()["untrusted_proxy"] is True
        admin.login("root", password)
        assert words[1:] in admin.get("/hub/status").text
    checked = CliRunner().invoke(main, command)
    assert (checked.exit_code, words in checked.output) == (0, True)
    assert words in hub.log


def test_a_client_that_forges_its_address_once_in_a_while_is_no_proxy(
    behind: RunningHub, password: str
) -> None:
    for number in range(8):
        with behind.client(headers={"X-Forwarded-For": "203.0.113.200"}) as plain:
            plain.login("ada", password)
        attempt(behind, "ada", password, "203.0.113.200", forged=f"192.0.2.{number}")
    assert not behind.state.front_servers.exists()


def test_a_proxy_is_found_though_somebody_logged_in_on_its_machine(
    behind: RunningHub, password: str
) -> None:
    """First the administrator without it, later a check of the site between its clients."""
    direct = {"X-Forwarded-For": "203.0.113.210"}
    with behind.client(headers=direct) as admin:
        admin.login("root", password)
    for number in range(5):
        assert not behind.state.front_servers.exists()
        attempt(behind, "ada", password, "203.0.113.210", forged=f"192.0.2.{number}")
    assert recorded(behind.state.front_servers) == ["203.0.113.210"]
    with behind.client(headers=direct) as check:
        check.login("ada", password)
    assert recorded(behind.state.front_servers) == ["203.0.113.210"]
    # It becomes a client like others when its web server is gone.
    for _ in range(6):
        with behind.client(headers=direct) as client:
            client.login("ada", password)
    assert recorded(behind.state.front_servers) == []
