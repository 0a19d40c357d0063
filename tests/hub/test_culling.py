"""Idle servers are stopped, used ones are not: a real hub, a real proxy, real servers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from traitlets.config import Config

from km3hub.configure.culling import configure_culling
from km3settings.runtime import Runtime
from km3settings.settings import parse
from km3settings.state import State
from tests.hub.running import Client, RunningHub
from tests.lab.running import execute, kernels_prefix, require_lab
from tests.waiting import wait_until

#: Idle after 15 seconds; the hub looks every second. Whole minutes would make the test wait.
QUICK = """
from km3hub.configure.culling import configure_culling
from km3settings.servers import Culling

c.Spawner.cmd = [{python!r}, "-I", "-m", "km3lab"]
c.Spawner.environment = {{"KM3_KERNELS": {kernels!r}, "KM3_TUTORIALS": "/nonexistent"}}
c.Spawner.http_timeout = c.Spawner.start_timeout = 60
quick = Culling.model_construct(idle_minutes=0.25, check_minutes=1 / 60, max_age_hours=0)
configure_culling(c, platform.model_copy(update={{"culling": quick}}), runtime)
"""

RUNTIME = Runtime("embedded", 8000, "km3net", State(Path("state")))


def _configured() -> Config:
    config = Config()
    config.JupyterHub.services = [{"name": "platform"}]
    configure_culling(config, parse({"culling": {"idle_minutes": 30}}), RUNTIME)
    return config


def test_the_culler_may_only_list_and_stop_servers() -> None:
    config = _configured()
    (role,) = config.JupyterHub.load_roles
    assert role["services"] == ["culler"]
    assert set(role["scopes"]) == {
        "list:users",
        "read:users:activity",
        "read:servers",
        "delete:servers",
    }
    assert [service["name"] for service in config.JupyterHub.services] == ["platform", "culler"]


def test_zero_means_never() -> None:
    config = Config()
    configure_culling(config, parse({"culling": {"idle_minutes": 0}}), RUNTIME)
    assert "services" not in config.JupyterHub
    assert "KM3_CULL_IDLE_SECONDS" not in config.Spawner.environment


def test_an_age_limit_alone_never_stops_idle_servers() -> None:
    config = Config()
    settings = parse({"culling": {"idle_minutes": 0, "max_age_hours": 48}})
    configure_culling(config, settings, RUNTIME)
    command = config.JupyterHub.services[0]["command"]
    assert "--max-age=172800" in command
    (timeout,) = [int(word.split("=")[1]) for word in command if word.startswith("--timeout=")]
    assert timeout > 365 * 86400


def test_what_was_done_since_the_last_report_counts() -> None:
    command = _configured().JupyterHub.services[1]["command"]
    report = int(_configured().Spawner.environment["JUPYTERHUB_ACTIVITY_INTERVAL"])
    (timeout,) = [int(word.split("=")[1]) for word in command if word.startswith("--timeout=")]
    # JupyterHub lengthens the interval by up to a tenth.
    assert timeout >= 30 * 60 + 1.1 * report
    # After a restart of the hub the culler waits for the first reports.
    assert float(command[3]) >= 1.1 * report


@pytest.fixture
def hub(start_hub: Callable[..., RunningHub]) -> RunningHub:
    kernels = str(kernels_prefix())
    return start_hub(config=QUICK.format(python=str(require_lab()), kernels=kernels))


class _User:
    def __init__(self, hub: RunningHub, name: str, password: str) -> None:
        self.name = name
        self.browser: Client = hub.client(follow_redirects=True)
        self.browser.login(name, password)
        self.browser.get("/hub/home")
        self.url = f"{hub.url}/user/{name}/"
        answer = self.browser.api("POST", f"/users/{name}/tokens", json={})
        self.token = answer.json()["token"]

    def start(self) -> None:
        self.browser.api("POST", f"/users/{self.name}/server")
        wait_until(self.has_server, seconds=60, what=f"the server of {self.name} is ready")

    def has_server(self) -> bool:
        model = self.browser.api("GET", f"/users/{self.name}").json()
        return bool(model["server"])

    def ask(self, method: str, path: str, **options: object) -> object:
        headers = {"Authorization": f"token {self.token}"}
        # A server that stops is replaced by redirects to the hub's pages.
        options["follow_redirects"] = False
        try:
            answer = self.browser.request(method, self.url + path, headers=headers, **options)  # type: ignore[arg-type]
        except httpx.TransportError:  # stopped in the middle of it
            return None
        return answer.json() if answer.is_success and answer.content else None


def test_a_busy_kernel_counts_as_activity_and_an_open_tab_does_not(
    hub: RunningHub, password: str
) -> None:
    busy, watching = _User(hub, "ada", password), _User(hub, "root", password)
    busy.start()
    watching.start()
    kernel = busy.ask("POST", "api/kernels", json={})
    assert isinstance(kernel, dict)
    execute(busy.url, busy.token, kernel["id"], "import time; time.sleep(60)", wait=0)

    def stopped() -> bool:
        # What an open tab of JupyterLab asks for ever, through the proxy.
        for path in ("api/kernels", "api/contents", "api/terminals", "km3/notices"):
            watching.ask("GET", path)
        layout = {"data": {}, "metadata": {"id": "default"}}
        watching.ask("PUT", "lab/api/workspaces/default", json=layout)
        return not watching.has_server()

    wait_until(stopped, seconds=45, what="the server behind an open tab is stopped")
    assert busy.has_server()
    kernels = busy.ask("GET", "api/kernels")
    assert isinstance(kernels, list)
    assert [found["execution_state"] for found in kernels] == ["busy"]
    # A server with a busy kernel takes twenty seconds to stop.
    busy.ask("POST", f"api/kernels/{kernel['id']}/interrupt")
