"""What counts as use of a server: what people do and what computes, not what a page asks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.lab.running import LabServer
from tests.waiting import wait_until


@pytest.fixture
def server(start_lab: Callable[..., LabServer], home: Path) -> LabServer:
    return start_lab(home)


def last_use(server: LabServer) -> str:
    return str(server.api("GET", "/api/status")["last_activity"])


@pytest.fixture(scope="module")
def idle_server(
    lab_environment: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LabServer]:
    """A server without kernels and terminals."""
    folder = tmp_path_factory.mktemp("idle")
    server = LabServer(folder, folder / "server.log")
    try:
        yield server.start()
    finally:
        server.stop()


def test_reading_does_not_count_as_activity(idle_server: LabServer) -> None:
    before = last_use(idle_server)
    for path in ("kernels", "sessions", "terminals", "contents", "kernelspecs"):
        idle_server.api("GET", f"/api/{path}")
    idle_server.notices()
    assert last_use(idle_server) == before


def test_the_layout_that_jupyterlab_saves_does_not_count_as_activity(
    idle_server: LabServer,
) -> None:
    before = last_use(idle_server)
    layout = {"data": {}, "metadata": {"id": "default"}}
    idle_server.api("PUT", "/lab/api/workspaces/default", json=layout)
    assert last_use(idle_server) == before


def test_saving_is_use(idle_server: LabServer) -> None:
    before = last_use(idle_server)
    note = {"type": "file", "format": "text", "content": "x"}
    idle_server.api("PUT", "/api/contents/note.txt", json=note)
    assert last_use(idle_server) > before


def test_the_button_of_the_warning_is_use(idle_server: LabServer) -> None:
    before = last_use(idle_server)
    idle_server.api("POST", "/km3/notices")
    assert last_use(idle_server) > before


def test_a_silent_busy_kernel_is_use_for_as_long_as_it_computes(server: LabServer) -> None:
    kernel = server.new_kernel()
    server.run(kernel, "import time; time.sleep(9)", wait=0)
    first = last_use(server)
    second = wait_until(
        lambda: last_use(server) > first and last_use(server), seconds=8, what="use"
    )
    wait_until(lambda: last_use(server) > second, seconds=8, what="more use")

    def idle() -> bool:
        return bool(server.api("GET", f"/api/kernels/{kernel}")["execution_state"] == "idle")

    wait_until(idle, seconds=30, what="the cell is done")


def test_a_program_in_a_terminal_is_use_and_a_waiting_shell_is_not(server: LabServer) -> None:
    name = server.api("POST", "/api/terminals", json={})["name"]
    address = f"{server.url.replace('http', 'ws')}terminals/websocket/{name}"
    headers = {"Authorization": f"token {server.token}"}
    with connect(address, additional_headers=headers) as socket:
        socket.send(json.dumps(["stdin", "sleep 6; echo do''ne\r"]))
        text, uses = "", set()
        while "done" not in text:
            try:
                kind, *content = json.loads(socket.recv(timeout=1))
            except TimeoutError:
                kind = ""
            text += content[0] if kind == "stdout" else ""
            uses.add(last_use(server))
        # Typing is one; looking every two seconds at a program of six is at least two more.
        assert len(uses) >= 3
