"""A hub on which Eve's server attacks whoever opens it, and a browser that opens it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.caddyfile import written
from tests.hub.conftest import PASSWORD
from tests.hub.running import RunningHub, node, proxy_folder
from tests.waiting import wait_until

HOSTILE = Path(__file__).with_name("hostile_server.py")
TOKEN = "0123456789abcdef0123456789abcdef"
#: Every user's server can attack; Eve's does.
SERVERS = f"""
c.Spawner.cmd = [sys.executable, {str(HOSTILE)!r}]
c.JupyterHub.services.append({{"name": "tester", "api_token": {TOKEN!r}, "display": False}})
c.JupyterHub.load_roles.append(
    {{"name": "tester", "scopes": ["servers", "admin:users"], "services": ["tester"]}}
)
"""
#: JupyterHub as it is without the platform's protection, which the attacks are first tried on.
BEFORE = """
import km3hub.configure.network as network
network.configure_origins = lambda c, origins: None
"""
AFTER = """
from km3settings.state import PROXY_SCRIPT
c.ConfigurableHTTPProxy.command = [runtime.node, str(runtime.state.proxy / PROXY_SCRIPT)]
"""
USERS = ("root", "ada", "eve")


class AttackedHub(RunningHub):
    """A hub with an administrator, Ada, and Eve, whose servers run."""

    #: Where people reach the hub, and Eve's server.
    address: str
    eve: str
    #: Whether users' servers have host names of their own.
    own = False

    def __init__(self, folder: Path, *, settings: str = "", protected: bool = True) -> None:
        super().__init__(folder, settings=settings, config=SERVERS)
        if not protected:
            text = self.config_file.read_text(encoding="utf-8")
            self.config_file.write_text(BEFORE + text + AFTER, encoding="utf-8")
        (folder / "homes").mkdir()
        self.address = self.eve = self.url
        for name in USERS:
            self.accounts.add(name, PASSWORD, admin=name == "root")

    def start_servers(self) -> None:
        """Start everybody's server."""
        with self.client(headers={"Authorization": f"token {TOKEN}"}) as client:
            for name in USERS:
                (self.folder / "homes" / name).mkdir(exist_ok=True)
                client.post(f"/hub/api/users/{name}")
                client.post(f"/hub/api/users/{name}/server")
                wait_until(
                    lambda n=name: client.get(f"/hub/api/users/{n}").json()["servers"][""]["ready"],
                    seconds=90,
                    what=f"the server of {name} runs",
                    ignoring=KeyError,
                )

    def loot(self, name: str = "eve") -> list[dict[str, str]]:
        """What somebody's server got hold of."""
        file = self.folder / "homes" / name / "loot.jsonl"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        return [json.loads(line) for line in lines]

    def forget_loot(self) -> None:
        """Begin again."""
        for file in (self.folder / "homes").glob("*/loot.jsonl"):
            file.unlink()


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., AttackedHub]]:
    """A function that starts such a hub, and its users' servers."""
    if node() is None or proxy_folder() is None:
        pytest.skip("needs configurable-http-proxy in .platform/proxy and node; run: make test")
    running: list[AttackedHub] = []

    def start(**options: Any) -> AttackedHub:
        hub = AttackedHub(tmp_path_factory.mktemp("attacked"), **options)
        running.append(hub)
        hub.start()
        hub.start_servers()
        return hub

    yield start
    for hub in running:
        hub.stop()


@pytest.fixture(scope="module")
def caddy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int, int], None]]:
    """A function that starts the deployment's web server: `caddy(https_port, hub_port)`."""
    program = shutil.which("caddy")
    if not program:
        pytest.skip("Caddy is missing; run: make tools")
    running: list[subprocess.Popen[bytes]] = []

    def start(port: int, behind: int) -> None:
        folder = tmp_path_factory.mktemp("caddy")
        text = written(
            proxy_tls="internal",
            proxy_http_port=port + 1,
            proxy_https_port=port,
            platform_hub_name="hub.test",
            platform_hub_port=behind,
            platform_portal=False,
            platform_own_origins=True,
        ).replace("admin localhost:2019", "admin off")
        # Nobody's list of authorities is changed.
        (folder / "Caddyfile").write_text(text.replace("{\n", "{\n\tskip_install_trust\n", 1))
        environment = {"HOME": str(folder), "PATH": os.defpath}
        command = [program, "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
        with (folder / "log").open("wb") as log:
            running.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        wait_until(
            lambda: socket.create_connection(("127.0.0.1", port), 5).close() is None,
            seconds=30,
            what=lambda: f"Caddy answers\n{(folder / 'log').read_text()}",
            ignoring=OSError,
        )

    yield start
    for process in running:
        process.terminate()
        process.wait(30)
