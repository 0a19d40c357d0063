"""HTTP of clients: one request per connection, small, complete, and in time.

None of a client's bytes reaches the engine: what was understood is written anew (`engine.py`). So
two parsers can never disagree about where a request ends.
"""

from __future__ import annotations

import asyncio
import json

import h11

from km3broker.engine import Answer
from km3broker.refusal import Refusal
from km3broker.request import Request, parse_request

__all__ = ["answer_with", "read_request", "refusal_answer"]

#: Bytes of the request line with all headers, and of a body.
MAX_HEAD = 16 * 1024
MAX_BODY = 256 * 1024
#: Seconds in which a request must be complete.
READ_SECONDS = 10.0
_WRITE_SECONDS = 60.0

#: Headers that change what the body is or what the connection becomes.
_FORBIDDEN = (b"transfer-encoding", b"content-encoding", b"upgrade", b"expect", b"trailer", b"te")


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """Returns the connection's request; None if the client closed without one.

    Raises
    ------
    Refusal
        If it is not a single, complete and small HTTP/1.1 request.
    """
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await _read(reader)
    except TimeoutError:
        raise Refusal("the request was not complete in time", 408) from None
    except h11.RemoteProtocolError as error:
        raise Refusal(f"malformed HTTP: {error}", error.error_status_hint) from None


async def _read(reader: asyncio.StreamReader) -> Request | None:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
    head: h11.Request | None = None
    body = bytearray()
    received = 0
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            if head is None and received >= MAX_HEAD:
                raise Refusal(f"the headers have more than {MAX_HEAD} bytes", 431)
            data = await reader.read(MAX_HEAD)
            received += len(data)
            connection.receive_data(data)
        elif isinstance(event, h11.Request):
            head = event
            _check_head(head)
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            break
        else:  # closed
            return None
    if connection.trailing_data[0]:
        raise Refusal("a connection takes one request only", 400)
    if head is None:  # not possible: the end of a message follows its head
        return None
    return parse_request(head.method.decode(), head.target.decode("latin-1"), bytes(body))


def _check_head(head: h11.Request) -> None:
    if head.http_version != b"1.1":
        raise Refusal("only HTTP/1.1 is allowed", 505)
    names = [name for name, _ in head.headers]
    for name in _FORBIDDEN:
        if name in names:
            raise Refusal(f"the header {name.decode()} is not allowed", 400)
    for name in (b"content-length", b"content-type", b"connection", b"host"):
        if names.count(name) > 1:
            raise Refusal(f"the header {name.decode()} appears twice", 400)
    headers = dict(head.headers)
    if headers.get(b"connection", b"close").lower() not in (b"close", b"keep-alive"):
        raise Refusal("the header connection may only be close or keep-alive", 400)
    length = int(headers.get(b"content-length", b"0"))
    if length > MAX_BODY:
        raise Refusal(f"a body may have at most {MAX_BODY} bytes", 413)
    kind = headers.get(b"content-type", b"application/json").split(b";")[0].strip().lower()
    if length and kind != b"application/json":
        raise Refusal("a body must be application/json", 415)


def refusal_answer(status: int, sentence: str) -> Answer:
    """Returns an error in the engine's form, which its clients show."""
    body = json.dumps({"message": sentence}).encode()
    return Answer(status, "application/json", body)


async def answer_with(answer: Answer, writer: asyncio.StreamWriter) -> None:
    """Send an answer and close the connection; no error if the client has gone."""
    connection = h11.Connection(h11.SERVER)
    headers = [
        ("Content-Type", answer.kind),
        ("Content-Length", str(len(answer.body))),
        ("Connection", "close"),
    ]
    if answer.in_pieces:
        headers[1] = ("Transfer-Encoding", "chunked")
    if answer.status == 204:
        headers = [("Connection", "close")]
    writer.write(_bytes(connection, h11.Response(status_code=answer.status, headers=headers)))
    if answer.in_pieces:
        writer.write(_bytes(connection, h11.Data(data=answer.body)))
        writer.write(_bytes(connection, h11.EndOfMessage()))
    elif answer.status != 204:
        writer.write(answer.body)
    try:
        async with asyncio.timeout(_WRITE_SECONDS):
            await writer.drain()
            writer.close()
            await writer.wait_closed()
    except (OSError, TimeoutError):
        writer.transport.abort()


def _bytes(connection: h11.Connection, event: h11.Event) -> bytes:
    return connection.send(event) or b""
