"""A user's server as a process of its own, and what a browser would ask of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from tests.ports import free_ports
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-for-tests"


def lab_python() -> Path | None:
    """The Python of JupyterLab's environment, or None."""
    named = os.environ.get("KM3_LAB_PYTHON")
    python = Path(named) if named else ROOT / ".platform" / "envs" / "lab" / "bin" / "python"
    return python if python.exists() else None


def kernels_prefix() -> Path | None:
    """The science environment whose kernels are used, or None."""
    named = os.environ.get("KM3_KERNELS_PREFIX")
    prefix = Path(named) if named else ROOT / ".platform" / "envs" / "stack"
    return prefix if (prefix / "bin" / "python").exists() else None


def require_lab() -> Path:
    """The Python of JupyterLab's environment; without it the test is skipped with the reason."""
    python = lab_python()
    if python is None:
        pytest.skip(
            "needs JupyterLab's environment: `make up` installs it in .platform/envs/lab;"
            " another one is named by KM3_LAB_PYTHON"
        )
    if kernels_prefix() is None:
        pytest.skip(
            "needs a science environment: `make up` installs it in .platform/envs/stack;"
            " another one is named by KM3_KERNELS_PREFIX"
        )
    return python


def execute(url: str, token: str, kernel: str, code: str, *, wait: float = 60) -> str:
    """Run `code` in a kernel through its websocket; its printed text.

    With `wait` 0 the code is only sent.
    """
    address = f"{url.replace('http', 'ws', 1)}api/kernels/{kernel}/channels"
    message = {
        "header": {
            "msg_id": uuid.uuid4().hex,
            "username": "",
            "session": uuid.uuid4().hex,
            "msg_type": "execute_request",
            "version": "5.3",
        },
        "parent_header": {},
        "metadata": {},
        "content": {"code": code, "silent": False, "allow_stdin": False},
        "channel": "shell",
        "buffers": [],
    }
    text = ""
    headers = {"Authorization": f"token {token}"}
    options = {"open_timeout": 90, "max_size": None, "ping_timeout": None}
    with connect(address, additional_headers=headers, **options) as socket:
        socket.send(json.dumps(message))
        deadline = time.monotonic() + wait
        while wait:
            answer = json.loads(socket.recv(timeout=max(0.1, deadline - time.monotonic())))
            if answer["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            if answer["msg_type"] == "stream":
                text += answer["content"]["text"]
            elif answer["msg_type"] == "error":
                text += "\n".join(answer["content"]["traceback"])
            elif answer["content"].get("execution_state") == "idle":
                break
        else:
            # The kernel has the request once it says that it is busy.
            while True:
                answer = json.loads(socket.recv(timeout=30))
                if answer["content"].get("execution_state") == "busy":
                    break
    return text


class LabServer:
    """`python -I -m km3lab` on its own, in a home of its own."""

    def __init__(self, home: Path, log: Path, **environment: str) -> None:
        self.home = home
        self.log_file = log
        self.port = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}/"
        self.token = TOKEN
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "SHELL": "/bin/bash",
            "JUPYTER_TOKEN": TOKEN,
            "KM3_KERNELS": str(kernels_prefix() or ""),
            "KM3_TUTORIALS": str(home / "no-tutorials"),
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.client = httpx.Client(
            base_url=self.url, headers={"Authorization": f"token {TOKEN}"}, timeout=30
        )

    @property
    def log(self) -> str:
        """What the server printed so far."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def start(self, *options: str, preexec: Callable[[], None] | None = None) -> LabServer:
        """Start it and wait until it answers."""
        port = f"--ServerApp.port={self.port}"
        command = [str(lab_python()), "-I", "-m", "km3lab", port, *options]
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd="/",
                env=self.environment,
                stdout=log,
                stderr=log,
                preexec_fn=preexec,  # noqa: PLW1509 -- the tests have no threads at that point
            )
        wait_until(self._answers, seconds=60, what="the server answers")
        return self

    def _answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended:\n{self.log}")
        try:
            return self.client.get("/api/status").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        """Stop it as a hub or Docker does."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            finally:
                # A server that does not stop fails its test; it must not stay as well.
                self.process.kill()

    def api(self, method: str, path: str, **options: Any) -> Any:
        """The answer of the server's API, which must be a success."""
        response = self.client.request(method, path, **options)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return response.json() if response.content else None

    def new_kernel(self) -> str:
        """Start a kernel; its id."""
        return str(self.api("POST", "/api/kernels", json={})["id"])

    def run(self, kernel: str, code: str, **options: Any) -> str:
        """Run code and return what it printed."""
        return execute(self.url, self.token, kernel, code, **options)

    def in_terminal(self, line: str, *, expect: str) -> str:
        """Type `line` into a new terminal; what it shows until the expression `expect` is there."""
        name = self.api("POST", "/api/terminals", json={})["name"]
        address = f"{self.url.replace('http', 'ws', 1)}terminals/websocket/{name}"
        headers = {"Authorization": f"token {self.token}"}
        text = ""
        with connect(address, additional_headers=headers) as socket:
            socket.send(json.dumps(["stdin", f"{line}\r"]))
            while not re.search(expect, text):
                kind, *content = json.loads(socket.recv(timeout=60))
                if kind == "stdout":
                    text += content[0]
                elif kind == "disconnect":
                    raise AssertionError(f"the terminal ended:\n{text}")
        return text

    def notices(self) -> dict[str, Any]:
        """The state that the page polls."""
        state: dict[str, Any] = self.api("GET", "/km3/notices")
        return state
