"""A real web server in front of a platform, like that of an institute."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.waiting import wait_until

#: The configuration that the README gives administrators, with the test's own folders.
CONFIGURATION = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
  server {{
    listen 127.0.0.1:{port};
    listen [::1]:{port};
    location / {{ return 200 "the institute's own pages"; }}
{locations}
  }}
}}
"""
LOCATION = """
    location {path}/ {{
      proxy_pass http://127.0.0.1:{port};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_buffering off;
      proxy_read_timeout 1d;
      client_max_body_size 0;
    }}
"""


def program() -> str | None:
    """nginx, or None."""
    return shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin:/usr/local/sbin")


@dataclass
class WebServer:
    """nginx on one port of loopback, for IPv4 and IPv6."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, folder: Path, port: int, places: dict[str, int]) -> WebServer:
        """Start nginx; `places` maps each path to a local port."""
        nginx = program()
        assert nginx
        locations = "".join(
            LOCATION.format(path=path, port=behind) for path, behind in places.items()
        )
        file = folder / "nginx.conf"
        # The workers write large requests to the test's folder.
        user = "user root;" if os.geteuid() == 0 else ""
        file.write_text(
            CONFIGURATION.format(user=user, folder=folder, port=port, locations=locations)
        )
        process = subprocess.Popen([nginx, "-c", str(file), "-e", str(folder / "error.log")])
        server = cls(folder, port, process)
        answer = wait_until(
            server.answer, seconds=30, what="nginx answers", ignoring=httpx.TransportError
        )
        assert answer.text.startswith("the institute"), answer.text
        return server

    def answer(self) -> httpx.Response:
        """Return the answer of the institute's own page."""
        assert self.process.poll() is None, (self.folder / "error.log").read_text()
        return httpx.get(f"http://127.0.0.1:{self.port}/", timeout=5)

    def asked(self) -> str:
        """The log of requests."""
        return (self.folder / "access.log").read_text()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
