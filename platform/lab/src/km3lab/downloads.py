"""Downloads of folders, for an entry in the file browser's menu."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path
from urllib.parse import quote

from jupyter_server.base.handlers import JupyterHandler
from tornado import web
from tornado.iostream import StreamClosedError

from km3lab.archive import FolderError, open_folder, write_zip

__all__ = ["Downloads", "FolderHandler"]

#: Downloads of one server at a time: each takes a thread and much of a core.
_MOST = 2
#: Blocks that wait for the browser, and the bytes after which one is sent.
_WAITING, _BLOCK = 4, 256 * 1024


class _GoneError(Exception):
    """The browser does not wait any more."""


class Downloads:
    """The downloads of one server.

    Parameters
    ----------
    root
        What the file browser shows.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.running = 0


class FolderHandler(JupyterHandler):
    """`GET`: a folder as a zip archive."""

    def initialize(self, downloads: Downloads) -> None:
        """Keep the downloads of this server."""
        self._downloads = downloads
        self._gone = threading.Event()

    def on_connection_close(self) -> None:
        """Stop reading files for nobody."""
        self._gone.set()
        super().on_connection_close()

    @web.authenticated
    async def get(self, path: str) -> None:
        """Send it while it is made."""
        if self._downloads.running >= _MOST:
            raise web.HTTPError(429, reason="Two folders are being downloaded; wait for one to end")
        try:
            folder = await asyncio.to_thread(open_folder, self._downloads.root, path)
        except FolderError as error:
            self.set_status(404)
            self.set_header("Content-Type", "text/plain; charset=utf-8")
            self.finish(str(error))
            return
        name = path.strip("/").rpartition("/")[2]
        self._downloads.running += 1
        try:
            await self._send(folder, name)
        finally:
            self._downloads.running -= 1
            os.close(folder)

    async def _send(self, folder: int, name: str) -> None:
        self.set_header("Content-Type", "application/zip")
        ending = quote(f"{name}.zip", errors="replace")
        self.set_header("Content-Disposition", f"attachment; filename*=UTF-8''{ending}")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        loop = asyncio.get_running_loop()
        blocks: asyncio.Queue[bytes | None] = asyncio.Queue(_WAITING)
        collected = bytearray()

        def put(block: bytes | None) -> None:
            # Waits while the browser is slow, so that little is in memory.
            asyncio.run_coroutine_threadsafe(blocks.put(block), loop).result()

        def send(content: bytes) -> None:
            if self._gone.is_set():
                raise _GoneError
            collected.extend(content)
            if len(collected) >= _BLOCK:
                put(bytes(collected))
                collected.clear()

        failures: list[Exception] = []

        def work() -> None:
            try:
                write_zip(folder, name, send)
                put(bytes(collected))
            except Exception as error:
                failures.append(error)
            put(None)

        # A daemon: a server that is stopped does not wait for a slow browser.
        threading.Thread(target=work, name="download", daemon=True).start()
        while (block := await blocks.get()) is not None:
            if self._gone.is_set():
                continue
            self.write(block)
            try:
                await self.flush()
            except StreamClosedError:
                self._gone.set()
        if self._gone.is_set():
            return
        if failures:
            # The connection closes before the end, so that the browser reports a failure.
            raise failures[0]
        self.finish()
