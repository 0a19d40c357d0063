"""Running a cell in a kernel, through its websocket."""

from __future__ import annotations

import asyncio
import json
import ssl
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from km3host.visit.hub import VisitError

__all__ = ["run_cell"]

CELL = "import numpy; print(int(numpy.arange(7).sum()) * 2)"
OUTPUT = "42"
#: Seconds: for the connection, and for each message of the kernel.
CONNECT, MESSAGE = 30, 120


async def run_cell(address: str, headers: Mapping[str, str], name: str, kernel: str) -> None:
    """Run a cell and compare its output.

    Parameters
    ----------
    address
        The hub's base address.
    headers
        Headers of the request that opens the websocket.
    name
        The user's name.
    kernel
        The kernel's identifier.

    Raises
    ------
    VisitError
        If the websocket closes, the cell fails, or its output is wrong.
    """
    parts = urlsplit(address)
    scheme = "wss" if parts.scheme == "https" else "ws"
    request = HTTPRequest(
        f"{scheme}://{parts.netloc}/user/{name}/api/kernels/{kernel}/channels",
        headers=dict(headers),
        ssl_options=ssl.create_default_context() if scheme == "wss" else None,
        connect_timeout=CONNECT,
    )
    channel = await websocket_connect(request)
    message = _execute_request()
    await channel.write_message(json.dumps(message))
    while True:
        text = await asyncio.wait_for(channel.read_message(), MESSAGE)
        if text is None:
            raise VisitError("the websocket of the kernel was closed")
        answer = json.loads(text)
        if answer["parent_header"].get("msg_id") != message["header"]["msg_id"]:
            continue
        if answer["msg_type"] == "error":
            raise VisitError(f"the cell failed: {answer['content']['evalue']}")
        if answer["msg_type"] == "stream":
            output = answer["content"]["text"].strip()
            if output != OUTPUT:
                raise VisitError(f"the cell printed {output!r} instead of {OUTPUT!r}")
            channel.close()
            return


def _execute_request() -> dict[str, Any]:
    """Return a message of Jupyter's protocol that runs the cell."""
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": "execute_request",
        "version": "5.3",
        "username": "",
        "session": uuid.uuid4().hex,
    }
    content = {"code": CELL, "silent": False}
    return {
        "header": header, "content": content, "channel": "shell", "parent_header": {},
        "metadata": {},
    }  # fmt: skip
