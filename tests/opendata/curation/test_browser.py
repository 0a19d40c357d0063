"""Curation in Chromium, with and without scripts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests import commands

from ..accounts import PASSWORD
from ..records import ECSV
from ..running import Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


pytestmark = pytest.mark.usefixtures("quick_hashes")


@pytest.mark.browser
@pytest.mark.parametrize("scripts", [True, False])
def test_in_a_browser_rows_for_authors_are_added(
    chromium: Browser, seeded_server: Server, scripts: bool
) -> None:
    name = f"rows{scripts:d}"
    command = [sys.executable, "-m", "opendata", "account", name, "--role", "curator"]
    commands.run(*command, "--password-stdin", input=PASSWORD, env=seeded_server.variables)
    context = chromium.new_context(java_script_enabled=scripts)
    page = context.new_page()
    page.goto(f"{seeded_server.url}/curate/login?next=/curate/new")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_label("Identifier").fill(f"{name}_01")
    page.get_by_label("Title").fill("Rows of authors")
    page.get_by_label("Content").select_option("km3.data.l4")
    for number, author in enumerate(("Doe", "Roe", "Poe")):
        row = page.locator(f"[name=creators-{number}-name]")
        if not row.count():
            page.get_by_role("button", name="Add author").click()
        row.fill(author)
    page.locator("[name=creators-1-DELETE]").check()
    page.get_by_label("Title").press("Enter")
    page.wait_for_url(f"**/curate/drafts/{name}_01/")
    names = page.locator("[data-rows=creators] fieldset input[name$=-name]")
    assert [item.input_value() for item in names.all()][:2] == ["Doe", "Poe"]
    context.close()


@pytest.mark.browser
def test_in_a_browser_two_people_bring_a_record_to_publication(
    chromium: Browser, seeded_server: Server
) -> None:
    for name, role in (("ada", "curator"), ("bob", "reviewer")):
        command = [sys.executable, "-m", "opendata", "account", name, "--role", role]
        commands.run(*command, "--password-stdin", input=PASSWORD, env=seeded_server.variables)
    ada = _enter(chromium, seeded_server, "ada")
    ada.get_by_role("link", name="New record").first.click()
    ada.get_by_label("Identifier").fill("browser26_01")
    ada.get_by_label("Title").fill("Counts from a browser")
    ada.get_by_label("Content").select_option("km3.data.l4")
    ada.get_by_role("button", name="Create draft").click()
    ada.get_by_label("Add a file").set_input_files(
        {"name": "counts.ecsv", "mimeType": "text/csv", "buffer": ECSV}
    )
    ada.get_by_role("button", name="Upload").click()
    ada.get_by_text("3 rows, 3 columns").wait_for()
    if ada.get_by_label("Why the error").count():
        ada.get_by_label("Why the error").fill("a test")
    # With the keyboard, and on a phone.
    ada.set_viewport_size({"width": 360, "height": 780})
    assert ada.evaluate("document.documentElement.scrollWidth") <= 360
    ada.get_by_role("button", name="Submit for review").focus()
    ada.keyboard.press("Enter")
    ada.get_by_text("was submitted for review").wait_for()
    bob = _enter(chromium, seeded_server, "bob")
    bob.get_by_role("link", name="Counts from a browser").click()
    bob.get_by_role("button", name="Publish").click()
    bob.get_by_text("browser26_01 1.0 is published.").wait_for()
    assert seeded_server.get("/records/browser26_01/").status_code == 200
    for page in (ada, bob):
        page.context.close()


def _enter(chromium: Browser, server: Server, name: str) -> Page:
    page = chromium.new_context().new_page()
    page.goto(f"{server.url}/curate/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Curation").wait_for()
    return page
