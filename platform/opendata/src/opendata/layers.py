"""What the ASGI layers around Django have in common: types, and responses of their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[..., Awaitable[None]]


async def respond(
    send: Send,
    status: int,
    body: bytes = b"",
    media_type: str = "text/plain; charset=utf-8",
    **headers: str,
) -> None:
    """Send a complete response, without asking the application."""
    fields = {"content-length": str(len(body)), "content-type": media_type, **headers}
    encoded = [(name.encode(), value.encode()) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
