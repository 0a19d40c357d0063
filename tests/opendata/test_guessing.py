"""Strangers who guess a curator's password, from one address and from many."""

from __future__ import annotations

from datetime import timedelta

import pytest
from axes.models import AccessFailureLog
from click.testing import CliRunner
from django.conf import settings
from django.db.models import F
from django.test import Client

from opendata.accounts import device, throttle
from opendata.accounts.models import User
from opendata.cli import main

from .accounts import PASSWORD, logged_in
from .test_accounts import RIGHT, WRONG, log_in

pytestmark = pytest.mark.usefixtures("quick_hashes")


def later(time: timedelta) -> None:
    """Let time pass, for the failures so far."""
    AccessFailureLog.objects.update(attempt_time=F("attempt_time") - time)


def besiege() -> None:
    """Guess from as many addresses as it takes to reach the limit of the name."""
    for number in range(throttle.NAME):
        assert log_in(f"198.51.100.{number}") == 403
    assert log_in("203.0.113.1") == 429


def test_strangers_cannot_lock_the_owner_out_of_a_known_device(curator: User) -> None:
    owner = logged_in(curator)
    owner.post("/curate/logout")
    besiege()
    assert owner.post("/curate/login", RIGHT).status_code == 302
    # Nor from the very address that strangers guess from.
    for number in range(throttle.ADDRESS):
        log_in("127.0.0.1", name=f"somebody{number}")
    assert log_in("127.0.0.1", name="another") == 429
    owner.post("/curate/logout")
    assert owner.post("/curate/login", RIGHT).status_code == 302


def test_a_known_device_has_a_limit_of_its_own(curator: User) -> None:
    thief = logged_in(curator)
    thief.post("/curate/logout")
    answers = [thief.post("/curate/login", WRONG).status_code for _ in range(throttle.BOTH + 1)]
    assert answers == [403] * throttle.BOTH + [429]
    # Which does not count towards those of strangers.
    assert log_in("198.51.100.1") == 403


def test_many_cookies_of_one_thief_are_few_devices(curator: User) -> None:
    cookies = set()
    for _ in range(4 * device.SLOTS):
        thief = logged_in(curator)
        thief.post("/curate/logout")
        web = Client()
        web.cookies[device.COOKIE] = thief.cookies[device.COOKIE].value
        cookies.add(web.cookies[device.COOKIE].value)
        for _ in range(2):
            web.post("/curate/login", WRONG)
    assert AccessFailureLog.objects.values("username").distinct().count() <= device.SLOTS


@pytest.mark.parametrize("change", [lambda text: text[:-2], lambda text: "x" + text, lambda _: ""])
def test_a_forged_device_cookie_is_worth_nothing(curator: User, change: object) -> None:
    owner = logged_in(curator)
    besiege()
    forger = Client()
    forger.cookies[device.COOKIE] = change(owner.cookies[device.COOKIE].value)  # type: ignore[operator]
    assert forger.post("/curate/login", RIGHT).status_code == 429


def test_a_device_of_one_account_is_none_of_another(curator: User, reviewer: User) -> None:
    other = logged_in(reviewer)
    besiege()
    assert other.post("/curate/login", RIGHT).status_code == 429


def test_a_device_of_a_former_account_is_unknown_to_the_next_one(curator: User) -> None:
    former = logged_in(curator)
    run = CliRunner().invoke
    assert run(main, ["account", "cora", "--disable"]).exit_code == 0
    options = ["--role", "curator", "--password-stdin"]
    assert run(main, ["account", "cora", *options], input=PASSWORD).exit_code == 0
    besiege()
    assert former.post("/curate/login", RIGHT).status_code == 429


def test_the_device_cookie_goes_to_the_login_page_only(curator: User) -> None:
    cookie = logged_in(curator).cookies[device.COOKIE]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == (
        "/curate/login",
        True,
        "Strict",
    )
    assert "cora" not in cookie.value


def test_each_pause_is_longer_than_the_one_before(curator: User) -> None:
    logged_in(curator)
    pauses = []
    for _ in range(4):
        assert [log_in() for _ in range(throttle.BOTH)] == [403] * throttle.BOTH
        answer = Client(REMOTE_ADDR="192.0.2.1").post("/curate/login", RIGHT)
        assert answer.status_code == 429
        pauses.append(int(answer["Retry-After"]))
        later(timedelta(seconds=pauses[-1]))
    quarter = settings.AXES_COOLOFF_TIME.total_seconds()
    assert pauses == [pytest.approx(quarter * 2**number, abs=5) for number in range(4)]


def test_no_pause_is_longer_than_a_day(curator: User) -> None:
    for _ in range(20):
        for _ in range(throttle.BOTH):
            log_in()
        later(timedelta(minutes=50))
    answer = Client(REMOTE_ADDR="192.0.2.1").post("/curate/login", WRONG)
    assert answer.status_code in (403, 429)
    assert int(answer.headers.get("Retry-After", 0)) <= throttle.REMEMBERED.total_seconds() + 1


def test_failures_are_forgotten_after_a_day(curator: User) -> None:
    for _ in range(throttle.BOTH):
        log_in()
    later(throttle.REMEMBERED + timedelta(minutes=1))
    log_in()
    assert AccessFailureLog.objects.count() == 1
