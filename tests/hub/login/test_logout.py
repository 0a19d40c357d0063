"""Only a page of the hub, or the person before the screen, ends a session."""

from __future__ import annotations

import pytest

from tests.hub.conftest import PASSWORD
from tests.hub.running import RunningHub

BROWSER = "Mozilla/5.0"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
        # Without https, browsers do not send that header.
        {"User-Agent": BROWSER},
        {"User-Agent": BROWSER, "Referer": "http://evil.example/hub/"},
        {"User-Agent": BROWSER, "Referer": "{hub}/user/eve/hub/page.html"},
        {"User-Agent": BROWSER, "Referer": "http://[::1/hub/"},
    ],
)
def test_other_pages_end_no_session(hub: RunningHub, headers: dict[str, str]) -> None:
    with hub.client() as client:
        client.login("ada", PASSWORD)
        sent = {name: value.format(hub=hub.url) for name, value in headers.items()}
        answer = client.get("/hub/logout", headers=sent)
        assert "Log out?" in answer.text
        assert client.get("/hub/home").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"User-Agent": BROWSER, "Referer": "{hub}/hub/home"},
        {},
    ],
)
def test_the_hubs_own_link_and_programs_do(hub: RunningHub, headers: dict[str, str]) -> None:
    with hub.client() as client:
        client.login("ada", PASSWORD)
        sent = {name: value.format(hub=hub.url) for name, value in headers.items()}
        assert client.get("/hub/logout", headers=sent).status_code == 302
        assert client.get("/hub/home").status_code == 302
        # Nothing is left in the browser.
        assert not any("session" in cookie.name for cookie in client.cookies.jar)
