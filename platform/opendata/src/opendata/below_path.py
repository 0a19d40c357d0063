"""The portal below a path of a web server that has other pages, such as ``/km3net/data``.

Links in the pages begin with ``/``, as for a host name of their own. Requests below the path get
pages with the path put before each link; requests without it, such as those of programs on the same
machine, get the pages unchanged.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from opendata.layers import App, Message, Receive, Send, respond

_PORTS = {"http": 80, "https": 443}
_REFUSED = (
    b"Curating records is disabled at this address: its host also serves pages of other people,"
    b" which could act in your name. Use the portal's own address on its machine, or ask its"
    b" administrator to give it a host name of its own."
)


def shares_origin(one: str, other: str) -> bool:
    """Returns whether two addresses have the same scheme, host and port (the same origin)."""
    origins = [
        (p.scheme, p.hostname, p.port or _PORTS.get(p.scheme)) for p in map(urlsplit, (one, other))
    ]
    return origins[0] == origins[1]


class BelowPath:
    """ASGI: serves an application both below a path and at the root.

    Parameters
    ----------
    app
        The application, whose links begin with ``/``.
    path
        Such as ``/km3net/data``.
    curated
        Whether curators may log in below the path.
    """

    def __init__(self, app: App, path: str, *, curated: bool) -> None:
        self.app = app
        self.path = path
        self.curated = curated
        inside = re.escape(path.encode().lstrip(b"/"))
        # Links of a page, except those that have the path already and `//host/...`.
        self._links = re.compile(
            rb"""(\s(?:href|src|action|formaction|poster|data-[a-z-]+)=["'])/(?!/|%s(?:[/"'?#]))"""
            % inside
        )

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        asked = scope.get("path", "")
        if scope["type"] != "http" or not f"{asked}/".startswith(f"{self.path}/"):
            await self.app(scope, receive, send)
            return
        rest = asked.removeprefix(self.path)
        if not rest:
            await respond(send, 301, location=f"{self.path}/")
            return
        if rest.startswith("/curate") and not self.curated:
            await respond(send, 403, _REFUSED)
            return
        # ASGI keeps the whole path; `root_path` tells the application its part.
        below = {**scope, "root_path": self.path}
        await self.app(below, receive, _Rewriting(self, send))

    def link(self, value: bytes) -> bytes:
        """Returns a link with the path before it if it begins with ``/``, any other unchanged."""
        path = self.path.encode()
        if not value.startswith(b"/") or value.startswith((b"//", path + b"/")):
            return value
        return path + value

    def page(self, body: bytes) -> bytes:
        """Returns a page with the path before each of its links."""
        return self._links.sub(rb"\1" + self.path.encode() + b"/", body)

    def header(self, name: bytes, value: bytes) -> bytes:
        """Returns the value of a header for clients below the path."""
        if name.lower() == b"location":
            return self.link(value)
        if name.lower() == b"set-cookie":
            return re.sub(
                rb"(?i)(;\s*path=)(/[^;]*)", lambda m: m[1] + self.link(m[2]), value, count=1
            )
        return value


class _Rewriting:
    """Passes a response on; an HTML page only when it is complete."""

    def __init__(self, place: BelowPath, send: Send) -> None:
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
                # The answer to HEAD has a length, but no page to change.
                (n, str(len(body)).encode() if n.lower() == b"content-length" and body else v)
                for n, v in self.start["headers"]
            ]
            await self.send({**self.start, "headers": headers})
            message = {**message, "body": body}
        await self.send(message)
