"""A socket before the engine's own, which can be made to refuse: an engine that is away."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

ENGINE = "/var/run/docker.sock"


class Relay:
    """Passes everything on to the engine while `answers` is true."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.answers = True
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait()

    def cut(self) -> None:
        """Refuse new connections and end those that are open."""
        self.answers = False
        self._loop.call_soon_threadsafe(self._close_all)

    def mend(self) -> None:
        """Answer again."""
        self.answers = True

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _close_all(self) -> None:
        for writer in self._writers:
            writer.close()

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(asyncio.start_unix_server(self._serve, str(self.path)))
        self.path.chmod(0o666)
        ready.set()
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.answers:
            writer.close()
            return
        back, forth = await asyncio.open_unix_connection(ENGINE)
        self._writers |= {writer, forth}
        await asyncio.gather(_copy(reader, forth), _copy(back, writer))
        self._writers -= {writer, forth}
        for side in (writer, forth):
            side.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        writer.close()
