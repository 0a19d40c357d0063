"""A real OpenID provider on a free port, and a client that logs in like a browser."""

from __future__ import annotations

import json
import os
import re
import subprocess
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx

from tests.npm import NoPackages, installed
from tests.ports import free_ports
from tests.waiting import wait_until

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SECRET = "a-client-secret/of+tests"
CLIENT = "km3net-hub"


class NoProvider(Exception):
    """The provider cannot be started; the message says how to change that."""


def packages() -> Path:
    """Return the folder with the provider's node modules.

    Raises
    ------
    NoProvider
        If npm is missing or cannot download them.
    """
    try:
        return installed(HERE, "oidc-provider")
    except NoPackages as error:
        raise NoProvider(str(error)) from None


def settings(
    *, port: int, shape: str, callback: str, people: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """Return the settings that `provider.mjs` reads."""
    client = {"client_id": CLIENT, "client_secret": SECRET, "redirect_uris": [callback]}
    return {"port": port, "shape": shape, "client": client, "people": people}


class RunningProvider:
    """One provider.

    Parameters
    ----------
    folder
        An empty folder.
    shape
        `iam` (ESCAPE IAM, client_secret_basic) or `egi` (EGI Check-in, client_secret_post).
    callback
        Address to which browsers return.
    people
        Claims by login name.
    """

    def __init__(
        self, folder: Path, *, shape: str, callback: str, people: dict[str, dict[str, Any]]
    ) -> None:
        self.packages = packages()
        self.folder = folder
        self.port = free_ports(1)
        self.issuer = f"http://127.0.0.1:{self.port}"
        self._settings = folder / "provider.json"
        wanted = settings(port=self.port, shape=shape, callback=callback, people=people)
        self._settings.write_text(json.dumps(wanted))
        self._log = folder / "provider.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, seconds: float = 20) -> None:
        """Start the provider and wait until it answers."""
        command = ["node", str(HERE / "provider.mjs"), str(self.packages), str(self._settings)]
        with self._log.open("ab") as log:
            # The provider has its own login form only in development mode.
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, "NODE_ENV": "test"}
            )
        wait_until(
            self._answers,
            seconds=seconds,
            what=lambda: f"the provider answers\n{self._last_lines()}",
            ignoring=httpx.TransportError,
        )

    def _answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise RuntimeError(f"the provider ended:\n{self._last_lines()}")
        url = f"{self.issuer}/.well-known/openid-configuration"
        return httpx.get(url, timeout=60).is_success

    def _last_lines(self) -> str:
        return self._log.read_text()[-2000:]

    def stop(self) -> None:
        """Stop the provider; all tokens and sessions are lost."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process = None

    def set_person(self, name: str, claims: dict[str, Any] | None) -> None:
        """Change the claims of a person, or close the account (None)."""
        httpx.put(
            f"{self.issuer}/test/people/{name}", content=json.dumps(claims), timeout=60
        ).raise_for_status()

    def set_seconds(self, seconds: int) -> None:
        """Set the lifetime of access tokens issued from now on."""
        httpx.put(f"{self.issuer}/test/seconds", json=seconds, timeout=60).raise_for_status()

    def asked(self, path: str) -> int:
        """Return how often a path was requested."""
        return int(httpx.get(f"{self.issuer}/test/asked", timeout=60).json().get(path, 0))

    def data(self, token: str) -> httpx.Response:
        """Return the answer of the data service to a token."""
        return httpx.get(
            f"{self.issuer}/data", headers={"Authorization": f"Bearer {token}"}, timeout=60
        )


def at_provider(browser: httpx.Client, page: httpx.Response, name: str) -> httpx.Response:
    """Submit the provider's login form and follow its redirects."""
    form = re.search(r'<form[^>]*action="([^"]+)"', page.text)
    assert form, page.text[:2000]
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    fields |= {"login": name, "password": "any"}
    url = urljoin(str(page.url), unescape(form[1]))
    return browser.post(url, data=fields, follow_redirects=True)


def log_in(browser: httpx.Client, name: str, path: str = "/hub/oauth_login") -> httpx.Response:
    """Log in to the hub through the provider; return the final page."""
    page = browser.get(path, follow_redirects=True)
    return (
        at_provider(browser, page, name)
        if "<form" in page.text and "password" in page.text
        else page
    )
