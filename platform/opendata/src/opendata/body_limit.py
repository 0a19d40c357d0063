"""Limits on the size of request bodies, in front of Django.

Django writes a whole request to a temporary file before it handles it, so the limits must come
first: one for each request, one for all requests of a client at the same time, and one for all.
"""

from __future__ import annotations

import json
from pathlib import Path

from django.conf import settings

from adqlite.clients import client_of
from adqlite.disk import is_full
from adqlite.errors import StorageFull
from adqlite.spool import Spool
from opendata.full_disk import SENTENCE, STATUS
from opendata.layers import App, Message, Receive, Send, respond

#: Limit in bytes for everything but uploads of files and tables: metadata, alerts, queries.
SMALL = 5 * 2**20


class _TooLarge(Exception):
    pass


class BodyLimit:
    """Answers 413 to a request whose body is too large for its address.

    Parameters
    ----------
    app
    largest : int
        Bytes of an upload.
    spool : Spool
        The space for all bodies that are being received or handled; 503 answers to more.
    """

    def __init__(self, app: App, largest: int, spool: Spool) -> None:
        self.app = app
        self.largest = largest
        self.spool = spool

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        limit = self._limit(path, dict(scope["headers"]))
        problem = f"The request body is larger than the limit of {limit} bytes."
        # No valid address contains NUL, and PostgreSQL rejects it.
        if "\0" in path or b"%00" in scope.get("query_string", b""):
            await _refuse(send, 400, "The address contains a NUL character.")
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length) > limit:
            await _refuse(send, 413, problem)
            return
        client = client_of((scope.get("client") or ("",))[0])
        count = 0
        started = False

        async def counted() -> Message:
            nonlocal count
            message = await receive()
            size = len(message.get("body", b""))
            if count + size > limit:
                raise _TooLarge
            if size:
                self.spool.take(client, size)
                count += size
            return message

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, counted, noted)
        except _TooLarge:
            if not started:
                await _refuse(send, 413, problem)
        except StorageFull as error:
            if not started:
                await _refuse(send, 503, f"Try again later: {error}.")
        except OSError as error:
            # Django fails like this while it receives the body.
            if started or not is_full(error, Path(settings.FILE_UPLOAD_TEMP_DIR)):
                raise
            await _refuse(send, STATUS, SENTENCE)
        finally:
            if count:
                self.spool.give_back(client, count)

    def _limit(self, path: str, headers: dict[bytes, bytes]) -> int:
        # Large files need a token or a session; the views check whether it is valid.
        upload = ("/draft/files/" in path and b"authorization" in headers) or (
            path.startswith("/curate/drafts/")
            and settings.SESSION_COOKIE_NAME.encode() in headers.get(b"cookie", b"")
        )
        return self.largest if upload or path.startswith("/vo/") else SMALL


async def _refuse(send: Send, status: int, sentence: str) -> None:
    body = json.dumps({"detail": sentence}).encode()
    headers = {"retry-after": "60"} if status in (503, 507) else {}
    await respond(send, status, body, "application/json", connection="close", **headers)
