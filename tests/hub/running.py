"""A real JupyterHub and its real proxy on free ports, and a client that logs in as browsers do."""

from __future__ import annotations

import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import psutil

from km3hub.login.accounts import AccountStore
from km3settings.state import PROXY_ORIGINS, State
from tests.ports import free_ports
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]

# These hubs speak http; reading the certificate authorities for each client takes a while.
_NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

#: Every test hub: the platform's own network, pages and login, and tiny user servers.
CONFIG = """
import sys
from km3settings.runtime import Runtime
from km3settings.settings import load
from km3hub.configure.login import configure_login
from km3hub.configure.network import configure_network
from km3hub.configure.pages import configure_pages

c = get_config()
runtime = Runtime.from_environment()
platform = load(runtime.settings_file)
configure_network(c, platform, runtime)
configure_pages(c, platform, runtime)
configure_login(c, platform, runtime)
c.JupyterHub.cleanup_servers = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = {homes!r} + "/{{username}}"
c.Spawner.cmd = [sys.executable, {server!r}]
c.Spawner.args = []
"""


def proxy_folder() -> Path | None:
    """The folder whose `node_modules` hold configurable-http-proxy, or None."""
    named = os.environ.get("KM3_TEST_PROXY")
    for folder in [Path(named)] if named else [ROOT / ".platform" / "proxy"]:
        needed = ("node_modules/.bin/configurable-http-proxy", PROXY_ORIGINS)
        if all((folder / name).exists() for name in needed):
            return folder
    return None


def node() -> str | None:
    """The node that runs the proxy, or None."""
    return os.environ.get("KM3_NODE") or shutil.which("node")


class Loopback(httpx.HTTPTransport):
    """Finds every name below localhost on this machine, as browsers do."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request to loopback, with its own Host header."""
        if f".{request.url.host}".endswith(".localhost"):
            request = httpx.Request(
                request.method,
                request.url.copy_with(host="127.0.0.1"),
                headers=request.headers,
                stream=request.stream,
                extensions=request.extensions,
            )
        return super().handle_request(request)


class Client(httpx.Client):
    """A browser's view of the hub: it keeps cookies and answers the login form."""

    def xsrf(self) -> str:
        """The XSRF cookie of the hub's pages."""
        return next(
            c.value or "" for c in self.cookies.jar if c.name == "_xsrf" and "hub" in c.path
        )

    def login(self, name: str, password: str, **options: Any) -> httpx.Response:
        """Send the login form; 302 means in."""
        self.get("/hub/login")
        form = {"username": name, "password": password, "_xsrf": self.xsrf()}
        return self.post("/hub/login", data=form, **options)

    def api(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A request to the hub's API with the cookie of the login."""
        headers = {"X-XSRFToken": self.xsrf()}
        return self.request(method, f"/hub/api{path}", headers=headers, **options)


class RunningHub:
    """One hub with its state folder.

    Parameters
    ----------
    folder
        An empty folder for everything.
    settings
        The text of platform.yaml.
    config
        More lines for jupyterhub_config.py; `c` is there.
    """

    def __init__(self, folder: Path, *, settings: str = "", config: str = "") -> None:
        proxy = proxy_folder()
        if proxy is None:
            raise FileNotFoundError("configurable-http-proxy")
        self.folder = folder
        self.state = State(folder / "state")
        self.state.create()
        self.state.proxy.symlink_to(proxy)
        self.accounts = AccountStore(self.state.accounts)
        self.log_file = folder / "hub.log"
        self.settings_file = folder / "platform.yaml"
        self.settings_file.write_text(settings, encoding="utf-8")
        self.config_file = folder / "jupyterhub_config.py"
        server = Path(__file__).with_name("small_server.py")
        wiring = CONFIG.format(homes=str(folder / "homes"), server=str(server))
        self.config_file.write_text(wiring + config, encoding="utf-8")
        self.port = free_ports(3)
        self.url = f"http://localhost:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """What hub and proxy wrote so far."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def client(self, **options: Any) -> Client:
        """A new browser."""
        found = Loopback(verify=_NO_AUTHORITIES)
        return Client(base_url=self.url, timeout=30, transport=found, **options)

    def start(self, seconds: float = 60) -> None:
        """Start the hub and wait until its login page answers through the proxy."""
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("JUPYTERHUB_", "KM3_"))},
            "KM3_PLATFORM_FILE": str(self.settings_file),
            "KM3_STATE": str(self.state.root),
            "KM3_MODE": "embedded",
            "KM3_PORT": str(self.port),
            "KM3_NODE": node() or "node",
        }
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", str(self.config_file)],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            with self.client() as client:
                wait_until(
                    lambda: self._answers(client),
                    seconds=seconds,
                    what=lambda: f"the login page answers\n{self.log[-4000:]}",
                    ignoring=httpx.TransportError,
                )
        except BaseException:
            self.stop()
            raise

    def _answers(self, client: Client) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise RuntimeError(f"the hub ended:\n{self.log[-4000:]}")
        return client.get("/hub/login").status_code == httpx.codes.OK

    def stop(self) -> None:
        """Stop the hub, its proxy and all servers that it started."""
        if self.process is None or self.process.poll() is not None:
            return
        started = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for process in psutil.wait_procs(started, timeout=5)[1]:
            process.kill()


def login_error(page: str) -> str:
    """The message above the login form, or nothing."""
    found = re.search(r'<p id="login-error"[^>]*>\s*(.*?)\s*</p>', page, re.DOTALL)
    return found[1] if found else ""
