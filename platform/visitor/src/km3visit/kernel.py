"""A kernel of a user's server, used over its websocket through the proxy."""

from __future__ import annotations

import asyncio
import json
import ssl
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from km3visit.errors import CellError, VisitError
from km3visit.site import Person

__all__ = ["Kernel", "open_kernel"]

#: Seconds for the connection.
CONNECT = 60
#: Bytes of one message; figures are large.
LARGEST = 256 << 20


class Kernel:
    """An open connection to a kernel; made by `open_kernel`."""

    def __init__(self, person: Person, identifier: str, channel: WebSocketClientConnection) -> None:
        self.person = person
        self.identifier = identifier
        self._channel = channel

    async def run(self, code: str, *, limit: float) -> str:
        """Run a cell and return what it printed.

        Parameters
        ----------
        code
            The cell.
        limit
            Seconds after which to give up.

        Raises
        ------
        CellError
            If the cell raises an exception.
        VisitError
            If the connection closes, or there is no answer in time.
        """
        message = _execute_request(code)
        try:
            async with asyncio.timeout(limit):
                await self._channel.write_message(json.dumps(message))
                return await self._output(message["header"]["msg_id"])
        except TimeoutError:
            raise VisitError(f"the cell had not finished after {limit:.0f} s") from None
        except OSError as error:
            raise VisitError(f"the connection to the kernel was lost: {error}") from None

    async def _output(self, identifier: str) -> str:
        # The reply and the idle state come on different channels, in either order, with output in
        # between.
        text, failed = "", None
        replied = idle = False
        while not (replied and idle):
            word = await self._channel.read_message()
            if word is None:
                raise VisitError("the connection to the kernel was closed")
            answer = json.loads(word)
            if answer["parent_header"].get("msg_id") != identifier:
                continue
            kind, content = answer["msg_type"], answer["content"]
            if kind == "stream":
                text += content["text"]
            elif kind == "error":
                failed = CellError(content["ename"], content["evalue"])
            elif kind == "execute_reply":
                replied = True
            elif kind == "status":
                idle = content["execution_state"] == "idle"
        if failed:
            raise failed
        return text

    def drop(self) -> None:
        """Leave without a word, as a laptop that is closed does; the kernel stays."""
        stream = getattr(self._channel.protocol, "stream", None)
        if stream:
            stream.close()


@asynccontextmanager
async def open_kernel(person: Person) -> AsyncIterator[Kernel]:
    """Start a Python kernel in the user's server and connect to it; end it afterwards.

    Raises
    ------
    VisitError
        If the server refuses, or there is no connection.
    """
    async with person.client() as client:
        answer = await client.post(f"{person.server}/api/kernels", json={"name": "python3"})
        if answer.status_code != 201:
            raise VisitError(f"no kernel starts (the server answers {answer.status_code})")
        identifier = str(answer.json()["id"])
        channel = await _connect(person, identifier)
        try:
            yield Kernel(person, identifier, channel)
        finally:
            channel.close()
            await client.delete(f"{person.server}/api/kernels/{identifier}")


async def _connect(person: Person, identifier: str) -> WebSocketClientConnection:
    address = person.server.replace("http", "ws", 1)
    request = HTTPRequest(
        f"{address}/api/kernels/{identifier}/channels",
        headers=person.headers,
        ssl_options=ssl.create_default_context() if address.startswith("wss") else None,
        connect_timeout=CONNECT,
        request_timeout=CONNECT,
    )
    try:
        return await websocket_connect(request, max_message_size=LARGEST)
    except HTTPClientError as error:
        raise VisitError(f"no websocket to the kernel: {error}") from None


def _execute_request(code: str) -> dict[str, Any]:
    """Returns a message of Jupyter's protocol 5.3 that runs a cell."""
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": "execute_request",
        "version": "5.3",
        "username": "",
        "session": uuid.uuid4().hex,
    }
    content = {
        "code": code,
        "silent": False,
        "store_history": False,
        "user_expressions": {},
        "allow_stdin": False,
        "stop_on_error": True,
    }
    return {
        "header": header,
        "content": content,
        "channel": "shell",
        "parent_header": {},
        "metadata": {},
    }
