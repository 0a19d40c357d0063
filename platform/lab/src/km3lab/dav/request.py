"""A request to `/dav/`: who may send it, what it names, its conditions and its errors."""

from __future__ import annotations

import functools
import http.cookies
from collections.abc import Awaitable, Callable
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from jupyter_server._tz import utcnow
from jupyter_server.base.handlers import JupyterHandler
from tornado import web
from tornado.iostream import StreamClosedError

from km3lab.dav import xml
from km3lab.dav.access import forget_cookies, is_browser, is_owner
from km3lab.dav.conditions import If, matches
from km3lab.dav.errors import DavError, of_system
from km3lab.dav.locks import Locks
from km3lab.dav.transfer import Upload
from km3lab.dav.tree import Entry, Segments, Tree, href, segments

__all__ = ["METHODS", "DavRequest", "answering"]

METHODS = (
    "OPTIONS GET HEAD PUT DELETE PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK".split()  # noqa: SIM905
)
_CHANGES = frozenset("PUT DELETE PROPPATCH MKCOL COPY MOVE LOCK UNLOCK".split())  # noqa: SIM905
#: Bytes of a request that is not an upload.
_BODY = 64 * 1024
#: Bytes of an upload; the disk ends before.
_UPLOAD = 1 << 50
_REALM = 'Basic realm="KM3NeT files (password: a token of the hub)"'

Method = Callable[[Any], Awaitable[None]]


def answering(method: Method) -> Method:
    """Let a method raise what is wrong as an error of ours or of the system."""

    @functools.wraps(method)
    async def answers(self: DavRequest) -> None:
        try:
            if self._refused:
                raise self._refused
            await method(self)
        except DavError as error:
            self.refuse(error)
        except StreamClosedError:
            return
        except OSError as error:
            self.refuse(of_system(error))

    return answers


@web.stream_request_body
class DavRequest(JupyterHandler):
    """What all methods have in common."""

    SUPPORTED_METHODS: ClassVar[tuple[str, ...]] = tuple(METHODS)

    def initialize(self, tree: Tree, locks: Locks, base: str) -> None:
        """Keep the files, the locks and the path of the address."""
        self._tree, self._locks, self._base = tree, locks, base
        self._body = bytearray()
        self._upload: Upload | None = None
        self._new = False
        self._admitted = False
        self._refused: DavError | None = None

    async def prepare(self) -> None:
        """Let only the owner's programs in, and begin an upload."""
        # Compressed pieces would have neither the length nor the tag that the headers name.
        self._transforms: list[Any] = []
        self._where: Segments = ()
        try:
            await self._admit()
            if self.request.method == "PUT":
                self.request.connection.set_max_body_size(_UPLOAD)
            self._where = self._segments(self.request.path)
            self._if = If.read(self.request.headers.get("If", ""))
            if self.request.method == "PUT":
                self._check_put()
                self._upload = Upload(self._tree.aside(self._where))
        except DavError as error:
            self._refuse_early(error)
        except OSError as error:
            self._refuse_early(of_system(error))

    async def _admit(self) -> None:
        if is_browser(self.request):
            raise DavError(403, "Open this address with a program for WebDAV, not in a browser.")
        forget_cookies(self.request)
        if not self.check_host():
            raise DavError(403, "The host name of the address is not this server's.")
        if not await is_owner(self):
            raise DavError(401, "A token of the hub is needed as password.")
        self._admitted = True
        # A stand-alone server sets one; programs need none.
        self._new_cookie = http.cookies.SimpleCookie()
        if self.request.method in _CHANGES:
            # A change is activity of a person, as in JupyterLab; reading is not.
            self.settings["api_last_activity"] = utcnow()

    def _refuse_early(self, error: DavError) -> None:
        """Refuse before the body was received.

        Closing the connection at once may lose the answer, so the body of a user, or a short one,
        is received and thrown away, unless the program waits for the answer before it sends it.
        """
        headers = self.request.headers
        length = headers.get("Content-Length", "")
        none = not length and "Transfer-Encoding" not in headers
        short = none or (length.isdigit() and len(length) < 7)
        if (self._admitted or short) and "Expect" not in headers:
            self._refused = error
            return
        self.set_header("Connection", "close")
        self.refuse(error)

    async def data_received(self, chunk: bytes) -> None:
        """Take a piece of the request's body."""
        if self._finished or self._refused:
            return
        if self._upload is not None:
            await self._upload.add(chunk)
        elif len(self._body) + len(chunk) <= _BODY:
            self._body += chunk
        else:
            self._refused = DavError(413, "The request is too long.")

    def on_connection_close(self) -> None:
        """Give an upload up whose sender has gone."""
        self.on_finish()

    def on_finish(self) -> None:
        """Remove what was received of an upload that failed."""
        if self._upload is not None:
            self._upload.discard()

    # -- addresses, conditions, errors ----------------------------------------------------------

    def _segments(self, path: str) -> Segments:
        base = unquote(self._base).split("/")
        parts = path.split("/")
        if [unquote(part) for part in parts[: len(base)]] != base:
            raise DavError(502, "The destination is on another server.")
        return segments("/".join(parts[len(base) :]))

    def _address(self, where: Segments, *, folder: bool = False) -> str:
        return href(self._base, where, folder=folder)

    def _destination(self) -> Segments:
        text = self.request.headers.get("Destination", "")
        if not text:
            raise DavError(400, "The header Destination is missing.")
        try:
            found = urlsplit(text)
            other = found.hostname
        except ValueError:
            raise DavError(400, "The header Destination is not an address.") from None
        if other and other != (urlsplit(f"//{self.request.host}").hostname or ""):
            raise DavError(502, "The destination is on another server.")
        return self._segments(found.path)

    def _state(self, about: str) -> tuple[str, set[str]]:
        try:
            where = self._segments(urlsplit(about).path) if about else self._where
            entry = self._tree.find(where)
        except (DavError, ValueError):
            return "", set()
        return entry.etag if entry else "", {lock.token for lock in self._locks.on(where)}

    def _conditions(self, entry: Entry | None) -> None:
        """Refuse a change of another version than the program knows."""
        headers, etag = self.request.headers, entry.etag if entry else ""
        changed = DavError(412, "The file was changed in the meantime; load it again first.")
        if "If-Match" in headers and not matches(headers["If-Match"], etag):
            raise changed
        reading = self.request.method in ("GET", "HEAD")
        if not reading and matches(headers.get("If-None-Match", ""), etag):
            raise DavError(412, "A file of this name exists already.")
        if entry and "If-Unmodified-Since" in headers and "If-Match" not in headers:
            try:
                since = parsedate_to_datetime(headers["If-Unmodified-Since"]).timestamp()
            except ValueError:
                since = None
            if since is not None and int(entry.stat.st_mtime) > since:
                raise changed
        if not self._if.holds(self._state):
            raise DavError(412, "A condition of the header If does not hold.")

    def _check_put(self) -> None:
        entry = self._tree.find(self._where)
        if entry and entry.folder:
            raise DavError(405, "There is a folder of this name.")
        if "Content-Range" in self.request.headers:
            raise DavError(400, "A part of a file cannot be uploaded; send the whole file.")
        self._tree.parent(self._where)
        self._conditions(entry)
        self._locks.demand(self._where, self._if.tokens, member=entry is None)
        self._new = entry is None

    def refuse(self, error: DavError) -> None:
        """Answer with an error."""
        if self._headers_written or self._finished:
            # Half a file was sent; only the end of the connection says so.
            self.request.connection.stream.close()
            return
        self.set_status(error.status)
        if error.status == 401:
            self.set_header("WWW-Authenticate", _REALM)
        if error.condition:
            self.set_header("Content-Type", "application/xml; charset=utf-8")
            self.finish(xml.error(error.condition, self._address(self._where)))
        else:
            self.set_header("Content-Type", "text/plain; charset=utf-8")
            self.finish(f"{error.sentence}\n")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """One sentence, no page."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        text = getattr(error, "log_message", None) or "The server could not do this."
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{text}\n")

    def compute_etag(self) -> None:
        """Tornado's would be that of the answer."""

    def set_default_headers(self) -> None:
        """What a file says must not run in a browser."""
        super().set_default_headers()
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "private, no-cache")
        self.set_header("Content-Security-Policy", "sandbox; default-src 'none'")
