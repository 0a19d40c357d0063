"""The main job in a real browser: log in, choose, run tutorial 01, stop, log out."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.platforms import RESULTS, Platform

pytestmark = pytest.mark.browser

#: facts of the ORCA6 file of km3net-testdata, counted with km3io.
EVENTS, WITH_TRACK = 2499, 2495


def picture(page: Page, platform: Platform, name: str) -> None:
    """Keep a screenshot for people to check."""
    folder = RESULTS / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{platform.mode}-{name}.png")


def arrive_in_lab(page: Page) -> None:
    """Wait for the landing page."""
    page.wait_for_url(re.compile(r"/user/user/lab"), wait_until="commit")
    expect(page.get_by_text("Joint analysis").first).to_be_visible()


def test_a_user_logs_in_runs_tutorial_01_and_logs_out(
    platform: Platform, chromium: Browser
) -> None:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(120_000)

    page.goto(platform.address)
    page.get_by_label("User name").fill(platform.user)
    page.get_by_role("textbox", name="Password").fill(platform.password)
    picture(page, platform, "1-login")
    page.get_by_role("button", name="Log in").click()

    page.get_by_role("radio", name=re.compile("Joint analysis")).check()
    page.get_by_role("radio", name=re.compile("Large")).check()
    picture(page, platform, "2-choice")
    page.get_by_role("button", name="Start").click()
    # A fast machine is in Lab before the page of the progress is drawn.
    waiting = page.get_by_role("progressbar").or_(page.get_by_role("menubar"))
    expect(waiting.first).to_be_visible()
    picture(page, platform, "3-progress")

    arrive_in_lab(page)
    picture(page, platform, "4-landing")
    page.get_by_role("link", name=re.compile("Reading KM3NeT events", re.I)).first.click()
    expect(page.get_by_role("tab", name=re.compile("01-reading"))).to_be_visible()
    expect(page.get_by_text(re.compile(r"\| Idle"))).to_be_visible()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    notebook = page.locator(".jp-NotebookPanel:visible")
    outputs = notebook.locator(".jp-OutputArea-output")
    numbers = outputs.filter(has_text=re.compile(r'\{"tutorial": "01"')).last
    numbers.wait_for(state="attached")
    text = numbers.text_content() or ""
    assert str(EVENTS) in text
    assert str(WITH_TRACK) in text
    assert not notebook.get_by_text("Traceback (most recent call last)").count()
    picture(page, platform, "5-end-of-notebook")
    figure = outputs.locator("img").first
    figure.scroll_into_view_if_needed()
    expect(figure).to_be_visible()
    width = figure.evaluate("image => image.naturalWidth")
    assert width > 300, "the figure has no picture in it"
    picture(page, platform, "6-figure")
    page.keyboard.press("Control+s")

    page.goto(f"{platform.address}/hub/home")
    page.get_by_role("button", name=re.compile("Stop my server|Stop")).or_(
        page.get_by_role("link", name=re.compile("Stop"))
    ).first.click()
    expect(page.get_by_text(re.compile("Start my server|Start your server")).first).to_be_visible()
    picture(page, platform, "7-stopped")
    page.get_by_role("link", name=re.compile("Log ?out", re.I)).click()
    expect(page.get_by_label("User name")).to_be_visible()
    picture(page, platform, "8-logged-out")
    context.close()
