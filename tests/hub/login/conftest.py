"""Hubs whose users log in with a provider: ESCAPE IAM's shape or EGI Check-in's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from tests.hub.running import RunningHub, node, proxy_folder
from tests.oidc.running import CLIENT, SECRET, NoProvider, RunningProvider

#: Servers in two environments, one of them for a group; the provider is asked by every request
#: that comes a moment after the last one.
CONFIG = """
from jupyterhub.spawner import SimpleLocalProcessSpawner
from km3hub.spawning import options
from km3hub.state import Runtime

class ChoosingSpawner(SimpleLocalProcessSpawner):
    runtime = Runtime.from_environment()

ChoosingSpawner.platform = platform
c.JupyterHub.spawner_class = ChoosingSpawner
c.Spawner.options_form = options.options_form
c.Spawner.options_from_form = options.options_from_form
c.Spawner.apply_user_options = options.apply_user_options
c.OidcAuthenticator.look_again = 0
"""


@dataclass
class Site:
    """A hub and its provider."""

    hub: RunningHub
    provider: RunningProvider

    @property
    def secret_file(self) -> Any:
        """The file with the client secret."""
        return self.hub.folder / "oidc-secret"


StartSite = Callable[..., Site]


@pytest.fixture(scope="module")
def start_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartSite]:
    """A function that starts provider and hub: `start_site(shape, people, oidc, more)`.

    With `provider_up=False` the provider is left to be started.
    """
    if node() is None or proxy_folder() is None:
        pytest.skip("needs node >= 20 and configurable-http-proxy in .platform/proxy: make up")
    running: list[RunningHub | RunningProvider] = []

    def start(
        shape: str,
        people: dict[str, dict[str, Any]],
        oidc: dict[str, Any],
        more: dict[str, Any] | None = None,
        *,
        provider_up: bool = True,
    ) -> Site:
        hub = RunningHub(tmp_path_factory.mktemp("hub"), config=CONFIG)
        try:
            provider = RunningProvider(
                tmp_path_factory.mktemp("provider"),
                shape=shape,
                callback=f"{hub.url}/hub/oauth_callback",
                people=people,
            )
        except NoProvider as reason:
            pytest.skip(str(reason))
        running.append(provider)
        if provider_up:
            provider.start()
        site = Site(hub, provider)
        site.secret_file.write_text(SECRET + "\n")
        site.secret_file.chmod(0o600)
        section = {
            "issuer": provider.issuer,
            "client_id": CLIENT,
            "client_secret_file": "oidc-secret",
            **oidc,
        }
        settings = {
            "site": {"name": "Test platform", "contact": "help@example.org"},
            "login": {"method": "oidc", "oidc": section},
            **(more or {}),
        }
        hub.settings_file.write_text(yaml.safe_dump(settings))
        running.append(hub)
        hub.start()
        return site

    yield start
    for one in reversed(running):
        one.stop()
