"""Deleting homes of a rehearsal where limits of homes are enforced."""

from __future__ import annotations

import asyncio
import json
import shutil
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from km3homes.server import Server
from km3hub.rehearsal.homes import remove_home
from km3hub.spawning import homes
from km3settings.runtime import Runtime
from km3settings.state import State
from tests.homes.conftest import NAMES, service, settings

ACCOUNT = "rehearsal-abcdef-001"
USER = "rehearsal-2dabcdef-2d001"


@contextmanager
def engine_of(folder: Path, socket: Path) -> Iterator[None]:
    """A Docker Engine whose volumes are the folders below `folder`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == "/version" or self._volume().is_dir()
            self._answer(200 if known else 404, {"ApiVersion": "1.41", "message": "volume"})

        def do_DELETE(self) -> None:
            shutil.rmtree(self._volume())
            self._answer(204, None)

        def _volume(self) -> Path:
            return folder / self.path.split("/")[-1].split("?")[0]

        def _answer(self, status: int, content: object) -> None:
            body = b"" if content is None else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def address_string(self) -> str:
            return "a unix socket"

        def log_message(self, *args: object) -> None:  # type: ignore[override]
            """Print nothing."""

    with socketserver.ThreadingUnixStreamServer(str(socket), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield
        server.shutdown()
        thread.join()


def make(root: Path, name: str) -> Path:
    files = root / name / "_data"
    files.mkdir(parents=True)
    (files / "made").write_text("by a cell")
    return files.parent


@pytest.mark.parametrize("kinds", [(), ("home",), ("home", "scratch")])
def test_what_there_is_of_an_account_is_deleted(
    kinds: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "volumes"
    root.mkdir()
    volumes = {"home": NAMES.home(USER), "scratch": NAMES.scratch(USER)}
    for kind in kinds:
        make(root, volumes[kind])
    other = make(root, NAMES.home("ada"))
    engine, asked = tmp_path / "engine.sock", tmp_path / "homes.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{engine}")
    monkeypatch.setattr(homes.HomesService.__init__, "__defaults__", (asked,))
    runtime = Runtime(
        mode="docker", port=1, project=NAMES.project, state=State(tmp_path), homes="none"
    )

    async def remove() -> None:
        enforcing = service(root, "none", settings(tmp_path, "homes: {quota: 40M}"))
        listening = await Server(enforcing, asked).start()
        async with listening:
            await remove_home(runtime, ACCOUNT)

    with engine_of(root, engine):
        asyncio.run(remove())
    assert list(root.iterdir()) == [other]
