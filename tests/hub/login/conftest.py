"""Hubs whose users log in with a provider: ESCAPE IAM's shape or EGI Check-in's."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from tests.hub.running import RunningHub, node, proxy_folder
from tests.lab.running import kernels_prefix, lab_python
from tests.oidc.running import CLIENT, SECRET, NoProvider, RunningProvider

#: The platform's own spawner of embedded mode; small servers stand for JupyterLab in all
#: environments but `stack`. The provider is asked by each request.
CONFIG = """
from km3hub.configure.spawning import configure_spawning

small = c.Spawner.cmd
configure_spawning(c, platform, runtime)

class SmallServers(c.JupyterHub.spawner_class):
    async def start(self):
        if self.chosen().environment.name != "stack":
            self.cmd = small
        return await super().start()

c.JupyterHub.spawner_class = SmallServers
c.OidcAuthenticator.refresh_seconds = 0
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


def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartSite]:
    """Yield a function that starts provider and hub: `start_site(shape, people, oidc, more)`.

    With `provider_up=False` the provider is not started. Both are stopped at the end.
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
        _provide_environments(hub)
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


def _provide_environments(hub: RunningHub) -> None:
    """The environments of `make up` where they are there, and two for small servers."""
    folder = hub.state.environments
    for name in ("open", "closed"):
        (folder / name / "bin").mkdir(parents=True)
        (folder / name / "bin" / "python").symlink_to(sys.executable)
        (folder / name / ".installed").touch()
    for name, python in (("lab", lab_python()), ("stack", kernels_prefix())):
        if python is not None:
            (folder / name).symlink_to(python.parents[1] if name == "lab" else python)


@pytest.fixture(scope="module")
def start_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartSite]:
    """A function that starts provider and hub for the tests of one module."""
    yield from sites(tmp_path_factory)
