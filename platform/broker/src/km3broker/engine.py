"""The Docker Engine, through its socket; each request is one connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h11

from km3broker.refusal import EngineError

__all__ = ["Answer", "Engine"]

#: Seconds that the engine may take. Docker's own clients wait for one minute, which is too short to
#: create a container on a busy machine.
ANSWER_SECONDS = 300.0
#: The longest answer in bytes; the longest ones are lists of containers.
MAX_ANSWER = 64 * 1024 * 1024
_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Answer:
    """The engine's complete answer."""

    status: int
    kind: str
    """The media type."""
    body: bytes
    in_pieces: bool = False
    """Whether clients expect a chunked answer, as of a stream."""

    def data(self) -> Any:
        """Returns the body, which is JSON."""
        return json.loads(self.body)

    @property
    def succeeded(self) -> bool:
        """Whether the engine did what was asked."""
        return 200 <= self.status < 300


@dataclass(frozen=True)
class Engine:
    """The engine behind a socket.

    Parameters
    ----------
    socket
        The engine's own socket.
    """

    socket: Path

    async def ask(self, method: str, target: str, body: Mapping[str, Any] | None = None) -> Answer:
        """Send one request and return the whole answer.

        Parameters
        ----------
        method, target
            The request line.
        body
            Sent as JSON; None: no body.

        Raises
        ------
        EngineError
            If the engine cannot be reached, takes too long or does not speak HTTP.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                reader, writer = await asyncio.open_unix_connection(str(self.socket))
                try:
                    return await _exchange(reader, writer, method, target, body)
                finally:
                    writer.close()
        except TimeoutError:
            raise EngineError("the Docker Engine took too long", 504) from None
        except (OSError, h11.ProtocolError) as error:
            raise EngineError(f"the Docker Engine is not responding: {error}") from None


async def _exchange(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    method: str,
    target: str,
    body: Mapping[str, Any] | None,
) -> Answer:
    connection = h11.Connection(h11.CLIENT)
    content = b"" if body is None else json.dumps(body).encode()
    headers = [("Host", "docker"), ("Connection", "close"), ("Content-Length", str(len(content)))]
    if body is not None:
        headers.append(("Content-Type", "application/json"))
    request = h11.Request(method=method, target=target, headers=headers)
    events = [request, *([h11.Data(data=content)] if content else []), h11.EndOfMessage()]
    writer.write(b"".join(connection.send(event) or b"" for event in events))
    await writer.drain()
    head: h11.Response | None = None
    found = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_CHUNK))
        elif isinstance(event, h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            found += event.data
            if len(found) > MAX_ANSWER:
                raise EngineError("the Docker Engine's answer is too long")
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            kind = dict(head.headers).get(b"content-type", b"application/json").decode("latin-1")
            return Answer(head.status_code, kind, bytes(found))
        elif not isinstance(event, h11.InformationalResponse):
            raise EngineError("the Docker Engine closed the connection")
