"""A person in Chromium at a deployed hub whose users log in with a provider.

A program of the development environment, where Playwright is: `python -m deploy.tests.browser`.
Standard input is a JSON object (see `main`), standard output one with what was seen.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, WebSocket, expect, sync_playwright

from tests.conftest import SWITCHES

_LANDING = "Reading KM3NeT events"


class Visit:
    """A page, with screenshots for people to check."""

    def __init__(self, page: Page, given: dict[str, Any]) -> None:
        self.page = page
        self.given = given
        self.sockets: list[str] = []
        page.set_default_timeout(120_000)
        page.on("websocket", self._opened)

    def _opened(self, socket: WebSocket) -> None:
        self.sockets.append(socket.url)

    def picture(self, name: str) -> None:
        self.page.screenshot(path=f"{self.given['pictures']}-{name}.png")

    def log_in(self) -> int:
        """By the button and the provider's form; the status of the page where that ends."""
        page = self.page
        page.goto(self.given["address"])
        self.picture("1-login")
        page.get_by_role("link", name=self.given["button"]).click()
        page.locator("input[name=login]").fill(self.given["name"])
        page.locator("input[name=password]").fill("any")
        self.picture("2-provider")
        at_hub = re.compile(re.escape(self.given["address"]))
        with page.expect_navigation(url=at_hub, wait_until="load") as ended:
            page.locator("button[type=submit]").click()
        self.picture("3-back")
        answer = ended.value
        return answer.status if answer else 0

    def work(self) -> str:
        """Start a server, run the first tutorial; what it printed last."""
        page = self.page
        page.goto(f"{self.given['address']}/hub/spawn")
        page.get_by_role("button", name="Start").click()
        page.wait_for_url(re.compile("/user/[^/]+/lab"), wait_until="commit")
        landing = page.get_by_role("link", name=re.compile(_LANDING, re.I)).first
        try:
            expect(landing).to_be_visible(timeout=60_000)
        except AssertionError:
            # Chromium drops requests while interfaces appear on its own machine.
            page.reload()
            expect(landing).to_be_visible(timeout=90_000)
        self.picture("4-landing")
        landing.click()
        expect(page.get_by_text(re.compile(r"\| Idle"))).to_be_visible(timeout=90_000)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        outputs = page.locator(".jp-NotebookPanel:visible .jp-OutputArea-output")
        numbers = outputs.filter(has_text=re.compile(r'\{"tutorial": "01"')).last
        numbers.wait_for(state="attached")
        self.picture("5-notebook")
        return numbers.text_content() or ""

    def leave(self) -> None:
        """Stop the server, log out."""
        page = self.page
        page.goto(f"{self.given['address']}/hub/home")
        self.picture("6-home")
        page.get_by_role("button", name=re.compile("Stop")).or_(
            page.get_by_role("link", name=re.compile("Stop"))
        ).first.click()
        expect(
            page.get_by_text(re.compile("Start my server|Start your server")).first
        ).to_be_visible(timeout=60_000)
        page.get_by_role("link", name=re.compile("Log ?out", re.I)).click()
        page.wait_for_load_state()
        self.picture("7-logged-out")


def main() -> None:
    """Log in; then, if wanted, work.

    Given are `address`, `button` (what it says), `name` (whom the provider knows), `work` (whether
    to start a server), `pictures` (how their files' names begin), `hosts` (addresses by host name)
    and `keys` (whose certificates Chromium believes, as there is no public authority's here).
    """
    given = json.load(sys.stdin)
    rules = ",".join(f"MAP {name} {address}" for name, address in given["hosts"].items())
    switches = [
        *SWITCHES,
        f"--host-resolver-rules={rules}",
        f"--ignore-certificate-errors-spki-list={','.join(given['keys'])}",
    ]
    Path(given["pictures"]).parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=given["program"], args=switches)
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        visit = Visit(context.new_page(), given)
        status = visit.log_in()
        seen = {"status": status, "url": visit.page.url, "text": visit.page.inner_text("body")}
        if given["work"]:
            seen["output"] = visit.work()
            seen["server"] = visit.page.url
            visit.leave()
        seen["sockets"] = visit.sockets
        browser.close()
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
