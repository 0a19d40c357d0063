"""Too many failed logins at a real hub."""

from __future__ import annotations

import re

import pytest

from tests.hub.conftest import StartHub
from tests.hub.running import RunningHub, login_error


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
        with strict.client(headers={"X-Real-Ip": forged, "X-Forwarded-For": forged}) as browser:
            statuses.append(browser.login(f"guess-{number}", "wrong").status_code)
    assert statuses.index(429) <= 20
    assert set(statuses[statuses.index(429) :]) == {429}
    with strict.client() as browser:
        assert browser.login("root", password).status_code == 429
    paused = [line for line in strict.log.splitlines() if "a pause of 600 s" in line]
    assert len(paused) <= 4
