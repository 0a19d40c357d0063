"""What tests of several subjects share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from km3settings.proxies import beside_loopback
from tests.deaf_chromium import find
from tests.same_process import same_process  # noqa: F401 - a fixture of every file below

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# What tests start listens on loopback, where the web proxy of a network does not lead.
os.environ.update(beside_loopback(os.environ))

#: The program that is started as Chromium.
CHROMIUM = Path(__file__).with_name("deaf_chromium.py")

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


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Chromium, driven by Playwright, which runs once in a process.

    It ends with the module: as long as Playwright runs, so does its event loop, and no test that
    comes after it in the same process could run one of its own.
    """
    if not find():
        pytest.skip("Chromium is missing; run: make tools")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=90_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield browser
        browser.close()
