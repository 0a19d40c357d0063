"""The portal below a path of a web server that has other pages, such as ``/km3net/data``.

The pages are written for a host name of their own: their links begin with ``/``. Who comes by the
path gets them with the path before each; who asks without it, as programs on this machine do,
gets them as they are.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
               Awaitable[None]]  # fmt: skip

_PORTS = {"http": 80, "https": 443}
_REFUSED = (
    b"Records are not curated at this address, whose host has pages of other people, too: those"
    b" could act in your name. Use the portal's own address on its machine, or ask its"
    b" administrator to give it a host name of its own."
)


def shares_origin(one: str, other: str) -> bool:
    """Return whether two addresses are of one scheme, host and port: their pages may meet."""
    origins = [
        (p.scheme, p.hostname, p.port or _PORTS.get(p.scheme)) for p in map(urlsplit, (one, other))
    ]
    return origins[0] == origins[1]


class BelowPath:
    """ASGI: serves an application below a path, and without it.

    Parameters
    ----------
    app
        The application, whose links begin with ``/``.
    path
        Such as ``/km3net/data``.
    curated
        Whether curators may log in by the path.
    """

    def __init__(self, app: App, path: str, *, curated: bool) -> None:
        self.app = app
        self.path = path
        self.curated = curated
        inside = re.escape(path.encode().lstrip(b"/"))
        # Links of a page, but not those that have the path already, nor `//host/...`.
        self._links = re.compile(
            rb"""(\s(?:href|src|action|formaction|poster|data-[a-z-]+)=["'])/(?!/|%s(?:[/"'?#]))"""
            % inside
        )

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        """Handle one connection."""
        asked = scope.get("path", "")
        if scope["type"] != "http" or not f"{asked}/".startswith(f"{self.path}/"):
            await self.app(scope, receive, send)
            return
        rest = asked.removeprefix(self.path)
        if not rest:
            location = f"{self.path}/".encode()
            await _answer(send, 301, b"", [(b"location", location)])
            return
        if rest.startswith("/curate") and not self.curated:
            await _answer(send, 403, _REFUSED, [(b"content-type", b"text/plain; charset=utf-8")])
            return
        # The path stays whole, as ASGI has it; the application finds its part by `root_path`.
        below = {**scope, "root_path": self.path}
        await self.app(below, receive, _Rewriting(self, send))

    def link(self, value: bytes) -> bytes:
        """Return a link that begins with ``/`` with the path before it, any other as it is."""
        path = self.path.encode()
        if not value.startswith(b"/") or value.startswith((b"//", path + b"/")):
            return value
        return path + value

    def page(self, body: bytes) -> bytes:
        """Return a page with the path before its links."""
        return self._links.sub(rb"\1" + self.path.encode() + b"/", body)

    def header(self, name: bytes, value: bytes) -> bytes:
        """Return the value of a header as it is below the path."""
        if name.lower() == b"location":
            return self.link(value)
        if name.lower() == b"set-cookie":
            return re.sub(
                rb"(?i)(;\s*path=)(/[^;]*)", lambda m: m[1] + self.link(m[2]), value, count=1
            )
        return value


class _Rewriting:
    """Sends an answer on, an HTML page when all of it is there."""

    def __init__(self, place: BelowPath, send: Any) -> None:
        self.place = place
        self.send = send
        self.start: Message | None = None
        self.parts: list[bytes] = []

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [(n, self.place.header(n, v)) for n, v in message["headers"]]
            message = {**message, "headers": headers}
            kinds = {n.lower(): v for n, v in headers}
            html = kinds.get(b"content-type", b"").startswith(b"text/html")
            if html and b"content-encoding" not in kinds:
                self.start = message
                return
        elif self.start and message["type"] == "http.response.body":
            self.parts.append(message.get("body", b""))
            if message.get("more_body"):
                return
            body = self.place.page(b"".join(self.parts))
            headers = [
                # To HEAD the length is that of a page that is not sent.
                (n, str(len(body)).encode() if n.lower() == b"content-length" and body else v)
                for n, v in self.start["headers"]
            ]
            await self.send({**self.start, "headers": headers})
            message = {**message, "body": body}
        await self.send(message)


async def _answer(send: Any, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
