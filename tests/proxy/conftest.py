"""The real proxy with the platform's origins, and small servers behind it."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from tests.hub.running import ROOT, node, proxy_folder
from tests.ports import free_ports
from tests.waiting import wait_until

TOKEN = "0" * 64
#: Reading the certificate authorities for each request would take longer than the tests.
CLIENT = httpx.Client(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), trust_env=False, timeout=30)


class Echo(BaseHTTPRequestHandler):
    """Answers who it is and what it was asked, with the headers that a test wants."""

    def do_GET(self) -> None:
        server: Any = self.server
        self.send_response(200)
        for name, value in server.extra:
            self.send_header(name, value)
        self.end_headers()
        what = {"server": server.title, "path": self.path, "host": self.headers["Host"]}
        what["cookie"] = self.headers["Cookie"]
        self.wfile.write(json.dumps(what).encode())

    do_POST = do_GET  # noqa: N815 -- the name is the library's

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


@dataclass
class Behind:
    """A small server behind the proxy."""

    address: str
    extra: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Proxy:
    """A running proxy."""

    address: str
    api: str

    def route(self, path: str, target: str, **data: str) -> None:
        """Add a route as JupyterHub does."""
        headers = {"Authorization": f"token {TOKEN}"}
        body = {"target": target, **data}
        httpx.post(f"{self.api}/api/routes{path}", json=body, headers=headers).raise_for_status()

    def ask(
        self, path: str, host: str = "localhost", method: str = "GET", **headers: str
    ) -> httpx.Response:
        """Send a request to a host name of the proxy."""
        named = {"Host": host, **{k.replace("_", "-"): v for k, v in headers.items()}}
        return CLIENT.request(method, f"{self.address}{path}", headers=named)


@pytest.fixture(scope="module")
def small() -> Iterator[Callable[[str], Behind]]:
    """A function that starts a small server with a title."""
    running: list[ThreadingHTTPServer] = []

    def start(title: str) -> Behind:
        server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
        behind = Behind(f"http://127.0.0.1:{server.server_port}")
        server.title, server.extra = title, behind.extra
        Thread(target=server.serve_forever, daemon=True).start()
        running.append(server)
        return behind

    yield start
    for server in running:
        server.shutdown()


@pytest.fixture(scope="module")
def start_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Proxy]]:
    """A function that starts the proxy with variables and a hub behind it."""
    folder, program = proxy_folder(), node()
    if folder is None or program is None:
        pytest.skip("needs configurable-http-proxy in .platform/proxy and node; run: make test")
    running: list[subprocess.Popen[bytes]] = []

    def start(hub: str, **variables: str) -> Proxy:
        # As if the file were installed, next to the packages that it imports.
        home = tmp_path_factory.mktemp("proxy")
        (home / "node_modules").symlink_to(folder / "node_modules")
        own = home / "origins.mjs"
        own.write_text((ROOT / "images" / "proxy" / "origins.mjs").read_text())
        port = free_ports(2)
        script = home / "node_modules/configurable-http-proxy/bin/configurable-http-proxy"
        command = [
            program,
            "--preserve-symlinks",
            "--preserve-symlinks-main",
            "--import",
            str(own),
            str(script),
        ]
        command += [f"--port={port}", "--ip=127.0.0.1", f"--api-port={port + 1}"]
        command += ["--api-ip=127.0.0.1", f"--default-target={hub}", "--log-level=warn"]
        environment = {**os.environ, "CONFIGPROXY_AUTH_TOKEN": TOKEN, **variables}
        with (home / "log").open("wb") as log:
            running.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        proxy = Proxy(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}")
        wait_until(
            lambda: httpx.get(f"{proxy.address}/_chp_healthz").is_success,
            seconds=30,
            what=lambda: f"the proxy answers\n{Path(home / 'log').read_text()}",
            ignoring=httpx.TransportError,
        )
        return proxy

    yield start
    for process in running:
        process.terminate()
        process.wait(30)
