"""Logging in with a provider in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hub.login.conftest import Site


@pytest.fixture
def page(site: Site, chromium: Any) -> Iterator[Any]:
    """A page of a browser without a login."""
    context = chromium.new_context(
        base_url=site.hub.url, viewport={"width": 1280, "height": 800}, reduced_motion="reduce"
    )
    # The provider's form asks another site for a font.
    context.route("**/*googleapis*/**", lambda route: route.abort())
    context.set_default_timeout(90_000)
    yield context.new_page()
    context.close()


def fill_in(page: Any, name: str) -> None:
    page.goto("/hub/login")
    page.get_by_role("link", name="Log in with ESCAPE IAM").click()
    page.locator("input[name=login]").fill(name)
    page.locator("input[name=password]").fill("any")
    page.get_by_role("button", name="Sign-in").click()


@pytest.mark.browser
def test_a_member_logs_in_and_out_in_a_browser(page: Any, tmp_path: Path) -> None:
    page.goto("/hub/login")
    page.screenshot(path=tmp_path / "login.png")
    fill_in(page, "bob")
    page.get_by_role("heading", name="Start your server").wait_for()
    page.get_by_role("link", name="Log out").click()
    page.get_by_role("heading", name="You are logged out").wait_for()
    page.get_by_role("link", name="Log out of ESCAPE IAM").wait_for()
    page.screenshot(path=tmp_path / "logout.png")


@pytest.mark.browser
def test_a_stranger_sees_the_contact_in_a_browser(page: Any, tmp_path: Path) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    fill_in(page, "guest")
    page.get_by_role("heading", name="You do not have access to this platform yet").wait_for()
    page.screenshot(path=tmp_path / "refused.png")
    main = page.get_by_role("main")
    assert main.get_by_role("link", name="help@example.org").count() == 1
    page.set_viewport_size({"width": 360, "height": 740})
    page.screenshot(path=tmp_path / "refused-phone.png")
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not page.evaluate(wide)
    assert errors == []
