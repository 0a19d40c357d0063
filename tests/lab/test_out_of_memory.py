"""A cell that runs out of memory is named, with what it asked for and the limit."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from websockets.sync.client import connect

from km3lab.cells import Cells, cell_number
from tests.lab.running import LabServer
from tests.waiting import wait_until

StartLab = Callable[..., LabServer]


def notebook(*cells: tuple[str, str]) -> str:
    """The text of a notebook with code cells of these identifiers and sources."""
    made = [
        {
            "cell_type": "code",
            "id": identifier,
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": source,
        }
        for identifier, source in cells
    ]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def send(
    server: LabServer, kernel: str, cell: str, code: str, *, protocol: str = "", until: str = "busy"
) -> None:
    """Run a cell as JupyterLab does, and return once the kernel is `busy` or `idle` with it."""
    parts = [
        {
            "msg_id": uuid.uuid4().hex,
            "username": "",
            "session": uuid.uuid4().hex,
            "msg_type": "execute_request",
            "version": "5.3",
        },
        {},
        {"cellId": cell, "deletedCells": [], "recordTiming": False},
        {"code": code, "silent": False, "allow_stdin": False, "stop_on_error": True},
    ]
    address = f"{server.url.replace('http', 'ws', 1)}api/kernels/{kernel}/channels"
    headers = {"Authorization": f"token {server.token}"}
    options = {"subprotocols": [protocol]} if protocol else {}
    with connect(address, additional_headers=headers, open_timeout=90, **options) as socket:
        if protocol:
            # https://jupyter-server.readthedocs.io/en/latest/developers/websocket-protocols.html
            content = [b"shell", *(json.dumps(part).encode() for part in parts)]
            offsets = [8 * (len(content) + 2)]
            for one in content:
                offsets.append(offsets[-1] + len(one))
            head = [len(offsets), *offsets]
            socket.send(b"".join([*(n.to_bytes(8, "little") for n in head), *content]))
        else:
            names = ("header", "parent_header", "metadata", "content")
            message = dict(zip(names, parts, strict=True))
            socket.send(json.dumps({**message, "channel": "shell", "buffers": []}))
        while True:
            answer = socket.recv(timeout=60)
            text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
            if parts[0]["msg_id"] in text and re.search(f'"execution_state": ?"{until}"', text):
                return


def open_notebook(server: LabServer, home: Path, name: str, text: str) -> str:
    """Write a notebook and start its kernel; the kernel's id."""
    (home / name).write_text(text)
    session = {"path": name, "type": "notebook", "name": "", "kernel": {"name": "python3"}}
    kernel = str(server.api("POST", "/api/sessions", json=session)["kernel"]["id"])
    # A kernel of its own time: it answers before anything is measured.
    assert server.run(kernel, "print(1)").strip() == "1"
    return kernel


def of_kernel(server: LabServer) -> list[dict[str, str]]:
    return [n for n in server.notices()["notices"] if n["topic"] == "kernel"]


@pytest.mark.parametrize("protocol", ["", "v1.kernel.websocket.jupyter.org"])
def test_the_cell_that_was_stopped_at_the_limit_is_named(
    limited: LabServer, home: Path, protocol: str
) -> None:
    code = "x = []  # <b>grow</b>\nwhile True: x.append(bytearray(1_000_000))"
    text = notebook(("first", "1"), ("second", code))
    kernel = open_notebook(limited, home, "fit.ipynb", text)
    send(limited, kernel, "second", code, protocol=protocol)
    (notice,) = wait_until(lambda: of_kernel(limited), seconds=60, what="the notice")
    assert notice["text"] == (
        "Cell 2 of fit.ipynb was stopped: this server's memory limit of 300 MB (size Small) was"
        " reached."
    )
    assert "When the cell began (x = []  # <b>grow</b>)" in notice["details"]
    assert "it asked for more than the" in notice["details"]
    assert "variables are lost" in notice["details"]


def test_a_refused_allocation_is_named_and_the_kernel_lives(limited: LabServer, home: Path) -> None:
    code = "import numpy\na = numpy.ones((100_000, 100_000, 1000))"
    kernel = open_notebook(limited, home, "big.ipynb", notebook(("one", code)))
    limited.run(kernel, "kept = 42")
    send(limited, kernel, "one", code, until="idle")
    (notice,) = wait_until(lambda: of_kernel(limited), seconds=60, what="the notice")
    # numpy's own words: 10**13 numbers of 8 bytes are 72.8 TiB.
    assert notice["text"] == (
        "Cell 1 of big.ipynb asked for 72.8 TiB of memory: more than this server's 300 MB."
    )
    assert "its variables are kept" in notice["details"]
    assert limited.run(kernel, "print(kept)").strip() == "42"


def test_nothing_of_a_cell_but_its_first_line_is_kept() -> None:
    cells = Cells(lambda: 7)
    header = {"msg_id": "m1"}
    cells.requested(header, {"cellId": "c1"}, {"code": "secret = 1\nother = 2" + "x" * 100})
    cells.status("k", "m1", "busy")
    assert cells.running["k"].cell.code == "secret = 1"
    assert cells.running["k"].memory == 7
    cells.status("k", "m1", "idle")
    assert cells.running == {}
    assert cells.last["k"].cell.id == "c1"
    assert cells.ended("k") is None


@pytest.mark.parametrize(
    ("metadata", "content"),
    [
        ({}, {"code": "x"}),
        ({"cellId": 5}, {"code": "x"}),
        ([], {"code": "x"}),
        (None, {}),
        ({"cellId": "c"}, {"code": "x", "silent": True}),
    ],
)
def test_requests_of_no_cell_are_ignored(metadata: object, content: dict[str, object]) -> None:
    cells = Cells()
    cells.requested({"msg_id": "m"}, metadata, content)
    cells.status("k", "m", "busy")
    assert cells.running == {}


def test_run_all_of_a_huge_notebook_does_not_fill_the_memory() -> None:
    cells = Cells()
    for number in range(10_000):
        cells.requested({"msg_id": f"m{number}"}, {"cellId": "c" * 1000}, {"code": "x" * 1000})
    assert len(cells._requests) <= 2000
    assert all(len(c.id) <= 64 and len(c.code) <= 40 for c in cells._requests.values())


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"cells": 5}', '{"cells": [5, null, {"id": []}]}', "[" * 100_000]
)
def test_notebooks_that_cannot_be_read_have_no_numbers(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.ipynb"
    file.write_text(text)
    assert asyncio.run(cell_number(file, "a")) is None
    assert asyncio.run(cell_number(tmp_path / "missing.ipynb", "a")) is None
    assert asyncio.run(cell_number(tmp_path, "a")) is None
