"""A real hub for tests: `hub` is one with accounts, `start_hub` makes others."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.hub.running import RunningHub, node, proxy_folder

StartHub = Callable[..., RunningHub]

PASSWORD = "kanugu-posifo-gemoka-87"


@pytest.fixture(scope="module")
def start_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartHub]:
    """A function that starts a hub: `start_hub(settings="...", config="...")`."""
    if node() is None:
        pytest.skip("needs node >= 20 on the PATH (or named by KM3_NODE)")
    if proxy_folder() is None:
        pytest.skip(
            "needs configurable-http-proxy: `make up` installs it in .platform/proxy;"
            " another folder with node_modules is named by KM3_TEST_PROXY"
        )
    running: list[RunningHub] = []

    def start(*, settings: str = "", config: str = "") -> RunningHub:
        hub = RunningHub(tmp_path_factory.mktemp("hub"), settings=settings, config=config)
        running.append(hub)
        hub.accounts.add("ada", PASSWORD)
        hub.accounts.add("root", PASSWORD, admin=True)
        hub.start()
        return hub

    yield start
    for hub in running:
        hub.stop()


@pytest.fixture(scope="module")
def hub(start_hub: StartHub) -> RunningHub:
    """A hub with the accounts `ada` and `root` (an administrator) and default settings."""
    return start_hub()


@pytest.fixture(scope="session")
def password() -> str:
    """The password of the hub's accounts."""
    return PASSWORD
