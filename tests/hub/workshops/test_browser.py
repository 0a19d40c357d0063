"""A participant's card and download link in a real browser, whose script reads what follows `#`."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from km3hub.membership.record import Workshop
from km3hub.workshops.cards import Card
from km3hub.workshops.closing import Closing, close
from km3hub.workshops.creating import Workshops
from km3hub.workshops.handout import login_link
from km3hub.workshops.places import Here
from tests.hub.conftest import PASSWORD, StartHub
from tests.hub.running import RunningHub
from tests.hub.workshops.running import workshop

pytestmark = pytest.mark.browser

_WIRING = """
from km3hub.configure.workshops import configure_workshops
configure_workshops(c, platform, runtime)
"""
_names = iter(f"w{number}" for number in range(1, 1000))


@pytest.fixture(scope="module")
def hub(start_hub: StartHub) -> RunningHub:
    hub = start_hub(config=_WIRING, settings="site: {public_url: null}")
    (hub.state.run / "port").write_text(str(hub.port))
    return hub


@pytest.fixture
def card(hub: RunningHub) -> Card:
    """The card of the one participant of a new workshop, who has a file."""
    workshops = Workshops(hub.state)
    now = datetime.now(UTC)
    name = next(_names)
    until = now + timedelta(days=1)
    wanted = Workshop(name=name, created=now, until=until, environment="stack", size="small")
    workshops.create(wanted, participants=1, teachers=0)
    (card,) = workshops.cards(name).read().values()
    home = hub.state.homes / card.account
    home.mkdir(parents=True)
    (home / "result.csv").write_text("energy,1\n")
    return card


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 390, "height": 740})
    yield context.new_page()
    context.close()


def download_link(hub: RunningHub, card: Card) -> str:
    """Close the card's workshop; return the download link of its participant."""
    name = card.account.partition("-")[0]
    closing = Closing(hub.state)
    assert list(close(Here(closing, f"{hub.url}/hub"), name, lambda _: None)) == []
    secrets = closing.finish(name, datetime.now(UTC) + timedelta(days=9))
    return f"{hub.url}/hub/archive#{secrets[card.account]}"


def addresses(page: Any) -> list[str]:
    """A list to which the address, Referer and body of each request are added."""
    seen: list[str] = []

    def note(request: Any) -> None:
        seen.extend((request.url, request.headers.get("referer", ""), request.post_data or ""))

    page.on("request", note)
    return seen


def test_a_card_s_link_logs_in_after_one_click(hub: RunningHub, card: Card, page: Any) -> None:
    seen = addresses(page)
    page.goto(login_link(hub.url, card.account, card.secret))
    page.get_by_text("You are about to log in as").wait_for()
    assert page.locator("[data-km3-shown=account]").inner_text() == card.account
    assert not page.get_by_text("Open the link on your card").is_visible()
    # Whoever looks at the screen or at the history later finds no secret.
    assert page.url == f"{hub.url}/hub/card"
    assert not any(card.secret in text for text in seen)
    page.get_by_role("button", name="Log in", exact=True).click()
    page.wait_for_url(re.compile(r"/hub/(home|spawn|welcome)|/user/"))
    page.goto(f"{hub.url}/hub/home")
    assert page.locator(".km3-who").get_attribute("title") == card.account
    assert not any(card.secret in text for text in seen if text.startswith("http"))


def test_a_used_link_says_so(hub: RunningHub, card: Card, chromium: Any) -> None:
    link = login_link(hub.url, card.account, card.secret)
    for _ in range(2):
        context = chromium.new_context()
        page = context.new_page()
        page.goto(link)
        page.get_by_role("button", name="Log in", exact=True).click()
        page.wait_for_load_state()
        page.wait_for_function("!document.querySelector('form[data-km3-fragment]:not([hidden])')")
        last = page.locator("main, body").first.inner_text()
        context.close()
    assert "This login link was used before or has expired" in last
    assert "Log in with a password" in last


@pytest.mark.parametrize("part", ["", "#", "#x", "#a.b.c", "#<b>.x", "#school-01.%00"])
def test_an_incomplete_link_shows_no_button(hub: RunningHub, page: Any, part: str) -> None:
    page.goto(f"{hub.url}/hub/card{part}")
    page.get_by_text("Open the link on your card").wait_for()
    assert not page.get_by_role("button", name="Log in", exact=True).is_visible()


def test_whoever_is_logged_in_is_asked_to_log_out(hub: RunningHub, card: Card, page: Any) -> None:
    page.goto(f"{hub.url}/hub/login")
    page.locator("input[name=username]").fill("ada")
    page.locator("input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/hub/(home|spawn|welcome)|/user/"))
    page.goto(login_link(hub.url, card.account, card.secret))
    page.get_by_text("You are logged in as").wait_for()
    # The unused secret does not stay in the history of another person's browser.
    assert page.url == f"{hub.url}/hub/card"


def test_a_download_link_gives_the_archive(hub: RunningHub, card: Card, page: Any) -> None:
    link = download_link(hub, card)
    secret = link.partition("#")[2]
    seen = addresses(page)
    page.goto(link)
    button = page.get_by_role("button", name="Download")
    button.wait_for()
    assert page.url == f"{hub.url}/hub/archive"
    assert not any(secret in text for text in seen)
    for _ in range(2):
        with page.expect_download() as started:
            button.click()
        assert started.value.suggested_filename == f"{card.account}.zip"
        with zipfile.ZipFile(started.value.path()) as packed:
            assert packed.read("home/result.csv") == b"energy,1\n"
    assert not any(secret in text for text in seen if text.startswith("http"))


def test_a_wrong_download_link_says_so(hub: RunningHub, page: Any) -> None:
    page.goto(f"{hub.url}/hub/archive#{32 * 'x'}")
    page.get_by_role("button", name="Download").click()
    page.get_by_text("This download link has expired or was revoked").wait_for()
    assert not page.get_by_role("button", name="Download").is_visible()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("path", ["card#school-01.x", "card", "archive#x", "archive"])
def test_the_pages_fit_the_screen(hub: RunningHub, page: Any, path: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    page.goto(f"{hub.url}/hub/{path}")
    page.get_by_role("heading", level=1).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.fixture
def handout(hub: RunningHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of a handout of twelve cards; a name is long, and one is a teacher's."""
    settings = tmp_path / "platform.yaml"
    settings.write_text("site: {public_url: 'https://km3net.example.org', contact: help@a.org}")
    monkeypatch.setenv("KM3_PLATFORM_FILE", str(settings))
    name = next(_names)
    roster = "name\n" + "".join(f"{'Maria' * n}\n" for n in range(1, 12))
    made = workshop(
        hub.state.root,
        *("create", name, "--from=-", "--teachers=1", "--until=2999-01-31"),
        stdin=roster,
    )
    assert made.exit_code == 0, made.output
    folder = tmp_path / "cards"
    written = workshop(hub.state.root, "handout", name, "--output", str(folder))
    assert written.exit_code == 0, written.output
    return folder


def decoded(*pictures: Path) -> set[str]:
    """What the reader ZBar, which is none of ours, finds in pictures."""
    if not shutil.which("zbarimg"):
        pytest.skip("needs zbarimg of the Debian package zbar-tools: make tools")
    command = ["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", *map(str, pictures)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def links(folder: Path) -> set[str]:
    text = (folder / "accounts.csv").read_text(encoding="utf-8-sig")
    return {row["login link"] for row in csv.DictReader(io.StringIO(text))}


def test_a_reader_finds_every_login_link_on_the_printed_cards(handout: Path) -> None:
    if not shutil.which("pdftoppm"):
        pytest.skip("needs pdftoppm of the Debian package poppler-utils: make tools")
    # As coarse as a screen: a phone sees at least that much of a printed card.
    command = ["pdftoppm", "-r", "100", "-png", "cards.pdf", "print"]
    subprocess.run(command, cwd=handout, check=True)
    expected = links(handout)
    assert len(expected) == 12
    assert decoded(*sorted(handout.glob("print*.png"))) == expected


def test_a_reader_finds_every_login_link_on_the_page(handout: Path, chromium: Any) -> None:
    for scheme in ("light", "dark"):
        context = chromium.new_context(viewport={"width": 1280, "height": 800}, color_scheme=scheme)
        page = context.new_page()
        page.goto((handout / "cards.html").as_uri())
        page.screenshot(path=handout / "page.png", full_page=True)
        context.close()
        assert decoded(handout / "page.png") == links(handout)
