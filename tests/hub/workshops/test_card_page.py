"""The one-time login link: who tries to use it, and what then happens. On a real hub."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from km3hub.membership.record import Workshop
from km3hub.workshops.cards import Card
from km3hub.workshops.creating import Workshops
from tests.hub.conftest import PASSWORD, StartHub
from tests.hub.running import Client, RunningHub

_numbers = iter(range(1, 1000))


@pytest.fixture(scope="module")
def school(start_hub: StartHub) -> RunningHub:
    """A hub whose pauses after wrong links begin late enough for the other tests."""
    return start_hub(settings="login: {attempts: 10}")


@pytest.fixture
def workshops(school: RunningHub) -> Workshops:
    return Workshops(school.state)


@pytest.fixture
def card(workshops: Workshops) -> Card:
    """The card of a new account."""
    return new_cards(workshops, 1)[0]


def new_cards(workshops: Workshops, number: int, *, seconds: float = 3600) -> list[Card]:
    now = datetime.now(UTC)
    wanted = Workshop(
        name=f"w{next(_numbers)}",
        created=now,
        until=now + timedelta(seconds=seconds),
        environment="stack",
        size="small",
    )
    workshops.create(wanted, participants=number, teachers=0)
    return list(workshops.cards(wanted.name).read().values())


@pytest.fixture
def browser(school: RunningHub) -> Iterator[Client]:
    with school.client() as client:
        yield client


def use(browser: Client, account: str, secret: str) -> httpx.Response:
    browser.get("/hub/card")
    form = {"account": account, "secret": secret, "_xsrf": browser.xsrf()}
    return browser.post("/hub/card", data=form)


def who(browser: Client) -> str | None:
    """The name of the browser's user; None: nobody is logged in."""
    answer = browser.api("GET", "/user")
    return answer.json()["name"] if answer.status_code == httpx.codes.OK else None


def test_a_link_logs_in_to_its_account_and_works_once(browser: Client, card: Card) -> None:
    answer = use(browser, card.account, card.secret)
    assert answer.status_code == httpx.codes.FOUND
    assert who(browser) == card.account
    user = browser.api("GET", "/user").json()
    assert user["groups"] == [f"workshop-{card.account.partition('-')[0]}"]
    assert user["admin"] is False


def test_a_used_link_is_refused_and_the_password_still_works(
    school: RunningHub, browser: Client, card: Card
) -> None:
    use(browser, card.account, card.secret)
    with school.client() as second:
        answer = use(second, card.account, card.secret)
        assert answer.status_code == httpx.codes.FORBIDDEN
        assert "used before or has expired" in answer.text
        assert who(second) is None
        assert second.login(card.account, card.password).status_code == httpx.codes.FOUND


def test_opening_the_page_does_not_use_the_link_up(browser: Client, card: Card) -> None:
    for _ in range(3):
        assert browser.get(f"/hub/card?account={card.account}&secret={card.secret}").is_success
        assert browser.head("/hub/card").status_code < 500
    assert use(browser, card.account, card.secret).status_code == httpx.codes.FOUND


def test_another_site_cannot_post_the_form(school: RunningHub, browser: Client, card: Card) -> None:
    form = {"account": card.account, "secret": card.secret}
    # Without the token of the page, with a wrong one, and with that of another browser.
    with school.client(headers={"User-Agent": "another"}) as other:
        other.get("/hub/card")
        foreign = other.xsrf()
    browser.get("/hub/card")
    for token in ({}, {"_xsrf": "guessed"}, {"_xsrf": foreign}):
        answer = browser.post("/hub/card", data={**form, **token})
        assert answer.status_code == httpx.codes.FORBIDDEN
    assert who(browser) is None
    assert use(browser, card.account, card.secret).status_code == httpx.codes.FOUND


def test_a_session_from_before_the_login_is_not_kept(browser: Client, card: Card) -> None:
    """Whoever planted cookies in a browser is not logged in with it (session fixation)."""
    browser.get("/hub/card")
    planted = {c.name: c.value for c in browser.cookies.jar}
    assert use(browser, card.account, card.secret).status_code == httpx.codes.FOUND
    with httpx.Client(base_url=browser.base_url, cookies=planted) as attacker:
        assert attacker.get("/hub/api/user").status_code == httpx.codes.FORBIDDEN


def test_the_link_does_not_fit_another_account(browser: Client, workshops: Workshops) -> None:
    mine, other = new_cards(workshops, 2)
    for account in (other.account, "ada", "root", ""):
        assert use(browser, account, mine.secret).status_code == httpx.codes.FORBIDDEN
        assert who(browser) is None
    assert use(browser, mine.account, mine.secret).status_code == httpx.codes.FOUND


def test_who_is_logged_in_is_not_logged_in_as_somebody_else(browser: Client, card: Card) -> None:
    browser.login("ada", PASSWORD)
    answer = use(browser, card.account, card.secret)
    assert answer.status_code == httpx.codes.FORBIDDEN
    assert "You are logged in as" in answer.text
    assert who(browser) == "ada"
    browser.get("/hub/logout")
    assert use(browser, card.account, card.secret).status_code == httpx.codes.FOUND


def test_of_many_at_the_same_time_one_gets_in(school: RunningHub, card: Card) -> None:
    def attempt(_: int) -> int:
        with school.client() as client:
            return use(client, card.account, card.secret).status_code

    with ThreadPoolExecutor(8) as pool:
        codes = sorted(pool.map(attempt, range(8)))
    assert codes == [302] + 7 * [403]


def test_a_link_ends_with_its_workshop_and_with_a_new_password(
    browser: Client, workshops: Workshops
) -> None:
    replaced, closing, ended = (new_cards(workshops, 1)[0] for _ in range(3))
    workshops.accounts.set_password(replaced.account, "tanugu-posifo-gemoka-87")
    with workshops.store.transaction() as change:
        change.set_state(closing.account.partition("-")[0], "closing")
    workshops.extend(ended.account.partition("-")[0], datetime.now(UTC))
    for card in (replaced, closing, ended):
        answer = use(browser, card.account, card.secret)
        assert answer.status_code == httpx.codes.FORBIDDEN, card.account
        assert "used before or has expired" in answer.text


def test_a_link_of_a_removed_account_does_not_let_in_to_its_successor(
    browser: Client, workshops: Workshops, card: Card
) -> None:
    workshops.accounts.remove(card.account)
    workshops.accounts.add(card.account, PASSWORD)
    assert use(browser, card.account, card.secret).status_code == httpx.codes.FORBIDDEN


def test_a_link_never_makes_an_administrator(
    browser: Client, workshops: Workshops, card: Card
) -> None:
    workshops.accounts.change(card.account, admin=True)
    assert use(browser, card.account, card.secret).status_code == httpx.codes.FORBIDDEN


@pytest.mark.parametrize(
    "secret", ["", "x", 32 * "x", 32 * "%", 31 * "x" + "\n", 31 * "x" + "\0", 10**6 * "x", "' OR 1"]
)
def test_what_is_no_secret(browser: Client, card: Card, secret: str) -> None:
    answer = use(browser, card.account, secret)
    assert answer.status_code == httpx.codes.FORBIDDEN
    assert "is not a login link of this platform" in answer.text


def test_the_login_form_takes_no_link(browser: Client, card: Card) -> None:
    browser.get("/hub/login")
    form = {"username": card.account, "link": card.secret, "secret": card.secret}
    answer = browser.post("/hub/login", data={**form, "_xsrf": browser.xsrf()})
    assert answer.status_code == httpx.codes.FORBIDDEN
    assert use(browser, card.account, card.secret).status_code == httpx.codes.FOUND


def test_the_account_s_end_applies_to_a_login_by_link(
    school: RunningHub, browser: Client, workshops: Workshops, card: Card
) -> None:
    use(browser, card.account, card.secret)
    token = browser.api("POST", f"/users/{card.account}/tokens", json={}).json()["token"]
    headers = {"Authorization": f"token {token}"}
    with school.client(headers=headers) as program:
        assert program.get("/hub/api/user").is_success
        workshops.extend(card.account.partition("-")[0], datetime.now(UTC))
        assert program.get("/hub/api/user").status_code == httpx.codes.FORBIDDEN
    assert who(browser) is None
    assert "This account expired on" in browser.get("/hub/home", follow_redirects=True).text


def test_no_secret_is_in_the_log(school: RunningHub, browser: Client, card: Card) -> None:
    use(browser, card.account, card.secret)
    use(browser, card.account, card.secret)
    assert "/hub/card" in school.log
    assert card.secret not in school.log
    assert card.password not in school.log


def test_guessing_leads_to_a_pause_in_which_real_links_still_work(
    start_hub: StartHub,
) -> None:
    hub = start_hub(settings="login: {attempts: 1, pause_seconds: 60}")
    card = new_cards(Workshops(hub.state), 1)[0]
    with hub.client() as client:
        codes = [use(client, card.account, 32 * "x").status_code for _ in range(11)]
        assert codes[-1] == httpx.codes.TOO_MANY_REQUESTS
        assert set(codes[:5]) == {httpx.codes.FORBIDDEN}
        assert use(client, card.account, card.secret).status_code == httpx.codes.FOUND
