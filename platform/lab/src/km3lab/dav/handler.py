"""`/dav/`: the methods of WebDAV on the user's own files."""

from __future__ import annotations

import asyncio
import os
import time
from email.utils import formatdate, parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from jupyter_server.utils import url_path_join

from km3lab.dav import xml
from km3lab.dav.conditions import matches
from km3lab.dav.errors import DavError
from km3lab.dav.locks import Locks
from km3lab.dav.request import METHODS, DavRequest, answering
from km3lab.dav.transfer import PIECE, byte_range, opened
from km3lab.dav.tree import Entry, Segments, Tree

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

    from km3lab.surroundings import Surroundings

__all__ = ["FilesHandler", "share_files"]

#: Entries of a listing that are sent at a time.
_LISTED = 500
_WINDOWS = "{urn:schemas-microsoft-com:}"


class FilesHandler(DavRequest):
    """The files of the server's owner, for programs that have a token."""

    # -- reading ------------------------------------------------------------------------------

    @answering
    async def options(self) -> None:
        """Say what this server can do."""
        self.set_header("DAV", "1, 2")
        self.set_header("MS-Author-Via", "DAV")
        self.set_header("Allow", ", ".join(METHODS))
        self.set_header("Content-Length", "0")
        self.finish()

    @answering
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

    @answering
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

    @answering
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

    @answering
    async def delete(self) -> None:
        """Delete a file, or a folder with all that is in it."""
        entry = await asyncio.to_thread(self._tree.entry, self._where)
        self._conditions(entry)
        self._locks.demand(self._where, self._if.tokens, deep=True, member=True)
        await asyncio.to_thread(self._tree.delete, self._where)
        self._locks.forget(self._where)
        self._done(False)

    @answering
    async def mkcol(self) -> None:
        """Make a folder."""
        if self._body:
            raise DavError(415, "A folder is made without a body.")
        self._conditions(None)
        self._locks.demand(self._where, self._if.tokens, member=True)
        await asyncio.to_thread(self._tree.make_folder, self._where)
        self._done(True)

    @answering
    async def copy(self) -> None:
        """Copy a file or folder."""
        target, new = self._to(moves=False)
        depth = self.request.headers.get("Depth", "infinity").strip().lower()
        if depth not in ("0", "infinity"):
            raise DavError(400, "The header Depth must be 0 or infinity.")
        await asyncio.to_thread(self._tree.copy, self._where, target, deep=depth != "0")
        self._done(new)

    @answering
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

    @answering
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

    @answering
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

    @answering
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
