"""The ASGI application: Django behind a guard that refuses bodies that are too large.

Django takes a whole request into a temporary file before it looks at it, so that the limit has to
be in front of it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opendata.settings")

from django.conf import settings
from django.core.asgi import get_asgi_application

from opendata.below_path import BelowPath, shares_origin

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

#: Everything but uploads of files and tables: metadata, alerts, queries.
SMALL = 5 * 2**20


class _TooLarge(Exception):
    pass


class BodyLimit:
    """Answers 413 to a request with more than is taken there."""

    def __init__(self, app: Callable[..., Awaitable[None]], largest: int) -> None:
        self.app = app
        self.largest = largest

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        # Only who brings a token or is logged in may send large files; whether the token or the
        # session is a good one, the views find out.
        upload = ("/draft/files/" in path and b"authorization" in headers) or (
            path.startswith("/curate/drafts/")
            and settings.SESSION_COOKIE_NAME.encode() in headers.get(b"cookie", b"")
        )
        limit = self.largest if upload or path.startswith("/vo/") else SMALL
        # No name or word holds NUL, and PostgreSQL does not take it.
        if "\0" in path or b"%00" in scope.get("query_string", b""):
            await self._answer(send, 400, "The address holds a NUL character.")
            return
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > limit:
            await self._answer(send, 413, f"The request is larger than {limit} bytes.")
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
                await self._answer(send, 413, f"The request is larger than {limit} bytes.")

    @staticmethod
    async def _answer(send: Send, status: int, sentence: str) -> None:
        body = json.dumps({"detail": sentence}).encode()
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _application() -> Any:
    configuration = settings.CONFIGURATION
    app = BodyLimit(get_asgi_application(), configuration.upload_mb * 2**20)
    path = urlsplit(configuration.public_url).path
    if not path:
        return app
    # Users' servers are on the hub's host, and their pages are anybody's.
    curated = not shares_origin(configuration.public_url, configuration.hub_url)
    return BelowPath(app, path, curated=curated)


application = _application()
