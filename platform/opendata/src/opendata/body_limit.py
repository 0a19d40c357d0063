"""A limit on the size of request bodies, in front of Django.

Django writes a whole request to a temporary file before it handles it, so the limit must come
first.
"""

from __future__ import annotations

import json

from django.conf import settings

from opendata.layers import App, Message, Receive, Send, respond

#: Limit in bytes for everything but uploads of files and tables: metadata, alerts, queries.
SMALL = 5 * 2**20


class _TooLarge(Exception):
    pass


class BodyLimit:
    """Answers 413 to a request whose body is too large for its address."""

    def __init__(self, app: App, largest: int) -> None:
        self.app = app
        self.largest = largest

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        # Large files need a token or a session; the views check whether it is valid.
        upload = ("/draft/files/" in path and b"authorization" in headers) or (
            path.startswith("/curate/drafts/")
            and settings.SESSION_COOKIE_NAME.encode() in headers.get(b"cookie", b"")
        )
        limit = self.largest if upload or path.startswith("/vo/") else SMALL
        problem = f"The request body is larger than the limit of {limit} bytes."
        # No valid address contains NUL, and PostgreSQL rejects it.
        if "\0" in path or b"%00" in scope.get("query_string", b""):
            await _refuse(send, 400, "The address contains a NUL character.")
            return
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > limit:
            await _refuse(send, 413, problem)
            return
        count = 0
        started = False

        async def counted() -> Message:
            nonlocal count
            message = await receive()
            count += len(message.get("body", b""))
            if count > limit:
                raise _TooLarge
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


async def _refuse(send: Send, status: int, sentence: str) -> None:
    body = json.dumps({"detail": sentence}).encode()
    await respond(send, status, body, "application/json", connection="close")
