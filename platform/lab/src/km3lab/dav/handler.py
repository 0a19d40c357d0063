"""`/dav/`: the methods of WebDAV on the user's own files."""

from __future__ import annotations

import asyncio
import functools
import http.cookies
import os
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate, parsedate_to_datetime
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, unquote, urlsplit

from jupyter_server._tz import utcnow
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web
from tornado.iostream import StreamClosedError

from km3lab.dav import xml
from km3lab.dav.access import forget_cookies, is_browser, is_owner
from km3lab.dav.conditions import If, matches
from km3lab.dav.errors import DavError, of_system
from km3lab.dav.locks import Locks
from km3lab.dav.transfer import PIECE, Upload, byte_range, opened
from km3lab.dav.tree import Entry, Segments, Tree, href, segments

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

    from km3lab.surroundings import Surroundings

__all__ = ["FilesHandler", "share_files"]

_METHODS = (
    "OPTIONS GET HEAD PUT DELETE PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK".split()  # noqa: SIM905
)
_CHANGES = frozenset("PUT DELETE PROPPATCH MKCOL COPY MOVE LOCK UNLOCK".split())  # noqa: SIM905
#: Bytes of a request that is not an upload.
_BODY = 64 * 1024
#: Bytes of an upload; the disk ends before.
_UPLOAD = 1 << 50
#: Entries of a listing that are sent at a time.
_LISTED = 500
_REALM = 'Basic realm="KM3NeT files (password: a token of the hub)"'
_WINDOWS = "{urn:schemas-microsoft-com:}"

Method = Callable[["FilesHandler"], Awaitable[None]]


def _answering(method: Method) -> Method:
    """Let a method raise what is wrong as an error of ours or of the system."""

    @functools.wraps(method)
    async def answering(self: FilesHandler) -> None:
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

    return answering


@web.stream_request_body
class FilesHandler(JupyterHandler):
    """The files of the server's owner, for programs that have a token."""

    SUPPORTED_METHODS: ClassVar[tuple[str, ...]] = tuple(_METHODS)

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

    # -- reading ------------------------------------------------------------------------------

    @_answering
    async def options(self) -> None:
        """Say what this server can do."""
        self.set_header("DAV", "1, 2")
        self.set_header("MS-Author-Via", "DAV")
        self.set_header("Allow", ", ".join(_METHODS))
        self.set_header("Content-Length", "0")
        self.finish()

    @_answering
    async def get(self) -> None:
        """Send a file, or a part of it."""
        entry = await asyncio.to_thread(self._tree.entry, self._where)
        self._conditions(entry)
        self.set_header("Last-Modified", formatdate(entry.stat.st_mtime, usegmt=True))
        if entry.folder:
            self.set_header("Content-Type", "text/plain; charset=utf-8")
            self.finish("This is a folder; a program for WebDAV shows what is in it.\n")
            return
        self.set_header("ETag", entry.etag)
        if matches(self.request.headers.get("If-None-Match", ""), entry.etag):
            self.set_status(304)
            self.finish()
            return
        size = entry.stat.st_size
        start, end = 0, size
        asked = self.request.headers.get("Range", "")
        if asked and self.request.headers.get("If-Range", entry.etag) == entry.etag:
            try:
                part = byte_range(asked, size)
            except DavError:
                self.set_header("Content-Range", f"bytes */{size}")
                raise
            if part:
                start, end = part
                self.set_status(206)
                self.set_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        self.set_header("Accept-Ranges", "bytes")
        self.set_header("Content-Type", xml.content_type(entry))
        self.set_header("Content-Length", str(end - start))
        name = quote(os.fsencode(entry.where[-1]) if entry.where else b"home")
        self.set_header("Content-Disposition", f"attachment; filename*=UTF-8''{name}")
        if self.request.method == "HEAD":
            self.finish()
            return
        await self._send(entry, start, end)

    head = get

    async def _send(self, entry: Entry, start: int, end: int) -> None:
        descriptor = await asyncio.to_thread(opened, entry.path)
        try:
            while start < end:
                piece = await asyncio.to_thread(
                    os.pread, descriptor, min(PIECE, end - start), start
                )
                if not piece:
                    raise DavError(500, "The file became shorter.")
                self.write(piece)
                await self.flush()
                start += len(piece)
        finally:
            os.close(descriptor)
        self.finish()

    @_answering
    async def propfind(self) -> None:
        """List a file, or a folder and what is in it."""
        depth = self.request.headers.get("Depth", "infinity").strip().lower()
        if depth not in ("0", "1"):
            raise DavError(
                403, "List one folder at a time (Depth: 1).", condition="propfind-finite-depth"
            )
        names, only_names = xml.wanted(bytes(self._body))
        entry = await asyncio.to_thread(self._tree.entry, self._where)
        self._conditions(entry)

        def text(found: Entry) -> str:
            address = self._address(found.where, folder=found.folder)
            locks = self._locks.on(found.where)
            return xml.properties(found, address, names, only_names=only_names, locks=locks)

        self.set_status(207)
        self.set_header("Content-Type", "application/xml; charset=utf-8")
        self.write(xml.HEAD + text(entry))
        if depth == "1" and entry.folder:
            found = self._tree.children(entry)

            def some() -> str:
                return "".join(text(child) for _, child in zip(range(_LISTED), found))  # noqa: B905

            while piece := await asyncio.to_thread(some):
                self.write(piece)
                await self.flush()
        self.finish(xml.TAIL)

    # -- changing -----------------------------------------------------------------------------

    @_answering
    async def put(self) -> None:
        """Put a complete upload to its place."""
        upload = self._upload
        if upload is None:
            raise DavError(500, "The upload was not received.")
        # Once more: what the upload is to replace may have changed while it was received.
        self._check_put()
        entry = self._tree.find(self._where)
        await upload.finish(entry.path if entry else self._tree.path(self._where))
        self.set_header("ETag", self._tree.entry(self._where).etag)
        self._done(self._new)

    def _done(self, new: bool) -> None:
        self.set_status(201 if new else 204)
        if new:
            self.set_header("Content-Length", "0")
        self.finish()

    @_answering
    async def delete(self) -> None:
        """Delete a file, or a folder with all that is in it."""
        entry = await asyncio.to_thread(self._tree.entry, self._where)
        self._conditions(entry)
        self._locks.demand(self._where, self._if.tokens, deep=True, member=True)
        await asyncio.to_thread(self._tree.delete, self._where)
        self._locks.forget(self._where)
        self._done(False)

    @_answering
    async def mkcol(self) -> None:
        """Make a folder."""
        if self._body:
            raise DavError(415, "A folder is made without a body.")
        self._conditions(None)
        self._locks.demand(self._where, self._if.tokens, member=True)
        await asyncio.to_thread(self._tree.make_folder, self._where)
        self._done(True)

    @_answering
    async def copy(self) -> None:
        """Copy a file or folder."""
        target, new = self._to(moves=False)
        depth = self.request.headers.get("Depth", "infinity").strip().lower()
        if depth not in ("0", "infinity"):
            raise DavError(400, "The header Depth must be 0 or infinity.")
        await asyncio.to_thread(self._tree.copy, self._where, target, deep=depth != "0")
        self._done(new)

    @_answering
    async def move(self) -> None:
        """Move a file or folder."""
        target, new = self._to(moves=True)
        await asyncio.to_thread(self._tree.move, self._where, target)
        self._locks.forget(self._where)
        self._done(new)

    def _to(self, *, moves: bool) -> tuple[Segments, bool]:
        target = self._destination()
        self._conditions(self._tree.entry(self._where))
        tokens = self._if.tokens
        if moves:
            self._locks.demand(self._where, tokens, deep=True, member=True)
        there = os.path.lexists(self._tree.path(target))
        if there and self.request.headers.get("Overwrite", "T").strip().upper() == "F":
            raise DavError(412, "The destination exists already.")
        self._tree.parent(target)
        self._locks.demand(target, tokens, deep=True, member=not there)
        return target, not there

    @_answering
    async def proppatch(self) -> None:
        """Set the time of a file, which Windows does; other properties are not kept."""
        entry = await asyncio.to_thread(self._tree.entry, self._where)
        self._conditions(entry)
        self._locks.demand(self._where, self._if.tokens)
        changes = xml.patch_request(bytes(self._body))
        done = all(tag.startswith(_WINDOWS) for tag, _ in changes)
        stamp = dict(changes).get(f"{_WINDOWS}Win32LastModifiedTime") if done else None
        if stamp:
            try:
                when = parsedate_to_datetime(stamp).timestamp()
                os.utime(entry.path, (time.time(), when))
            except (ValueError, OverflowError):
                done = False
        self.set_status(207)
        self.set_header("Content-Type", "application/xml; charset=utf-8")
        address = self._address(self._where, folder=entry.folder)
        self.finish(xml.patch_answer(address, [tag for tag, _ in changes], done=done))

    @_answering
    async def lock(self) -> None:
        """Lock a file or folder, or let a lock last longer."""
        entry = await asyncio.to_thread(self._tree.find, self._where)
        self._conditions(entry)
        seconds, new = self._seconds(), entry is None
        if not self._body:
            lock = self._locks.refresh(self._where, self._if.tokens, seconds)
            new = False
        else:
            deep = self.request.headers.get("Depth", "infinity").strip() != "0"
            exclusive, owner = xml.lock_request(bytes(self._body))
            if new:
                self._tree.parent(self._where)
                self._locks.demand(self._where, self._if.tokens, member=True)
            lock = self._locks.add(
                self._where, exclusive=exclusive, deep=deep, owner=owner, seconds=seconds
            )
            if new:
                # A name is locked by an empty file.
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
                try:
                    os.close(os.open(self._tree.path(self._where), flags, 0o666))
                except OSError:
                    self._locks.release(self._where, lock.token)
                    raise
            self.set_header("Lock-Token", f"<{lock.token}>")
        self.set_status(201 if new else 200)
        self.set_header("Content-Type", "application/xml; charset=utf-8")
        self.finish(xml.lock_answer(lock, self._address(lock.where)))

    def _seconds(self) -> float | None:
        for part in self.request.headers.get("Timeout", "").split(","):
            kind, _, text = part.strip().partition("-")
            if kind.lower() == "second" and text.isascii() and text.isdigit() and len(text) < 12:
                return max(1.0, float(text))
        return None

    @_answering
    async def unlock(self) -> None:
        """Release a lock."""
        token = self.request.headers.get("Lock-Token", "").strip()
        if not (token.startswith("<") and token.endswith(">")):
            raise DavError(400, "The header Lock-Token is missing.")
        self._locks.release(self._where, token[1:-1])
        self._done(False)


def share_files(app: ServerApp, around: Surroundings) -> None:
    """Add `/dav/` to a server.

    Parameters
    ----------
    app
        The server.
    around
        Its home and scratch folder.
    """
    base = url_path_join(app.web_app.settings["base_url"], "dav")
    options = {"tree": Tree(around.home, around.scratch), "locks": Locks(), "base": base}
    app.web_app.add_handlers(".*$", [(rf"{base}(?:/.*)?", FilesHandler, options)])
