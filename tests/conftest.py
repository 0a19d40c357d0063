"""What tests of several subjects share."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from km3settings.proxies import beside_loopback

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from xdist.remote import Producer
    from xdist.scheduler import LoadScopeScheduling

# What tests start listens on loopback, where the web proxy of a network does not lead.
os.environ.update(beside_loopback(os.environ))

#: As root, without a window, and without looking for Chromium's makers at every start.
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
)


#: Tests that start platforms in containers, networks and images, one after the other.
CONTAINERS = ("e2e/", "images/", "hub/docker/")
#: Of these, what takes minutes and disturbs nobody.
ALONE = "test_same_numbers.py"
#: What takes minutes begins first, in this order.
LONGEST = ("containers", "deploy/tests", "opendata", "hub", "notebooks", "lab")


def scope(nodeid: str) -> str:
    """Which tests run in one process, in their order."""
    folder, _, file = nodeid.split("::", 1)[0].removeprefix("tests/").rpartition("/")
    if f"{folder}/".startswith(CONTAINERS) and file != ALONE:
        return "containers"
    # Hubs start one after the other; user servers without a hub disturb nobody.
    return "hub" if folder.startswith("hub") else folder


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest scopes first, then those with most tests."""
    scopes = Counter(scope(item.nodeid) for item in items)

    def rank(item: pytest.Item) -> tuple[int, int, str]:
        own = scope(item.nodeid)
        place = LONGEST.index(own) if own in LONGEST else len(LONGEST)
        return place, -scopes[own], own

    items.sort(key=rank)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Give each process the scopes in the order above: see `make test`."""
    from xdist.scheduler import LoadScopeScheduling

    class BySubject(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scope(nodeid)

    config.option.loadscopereorder = False
    return BySubject(config, log)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Chromium, driven by Playwright; one for all, as Playwright runs once in a process."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if not program:
        pytest.skip("Chromium is missing; run: apt-get install chromium")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=90_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=SWITCHES)
        yield browser
        browser.close()
