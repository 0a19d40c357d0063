"""Ends connections of clients that begin a request and never finish it, or never read its answer.

uvicorn waits for either for ever, so that a few thousand such connections, which cost a client
nothing, would leave none for anybody else.
"""

from __future__ import annotations

import array
import asyncio
import fcntl
import termios

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

_TIMEOUT = (
    b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 28\r\n\r\nThe request took too long.\r\n"
)


class TimelyProtocol(H11Protocol):
    """Answers 408 to a request whose headers or body do not arrive, and drops unread answers."""

    #: Seconds for the headers, and for the next `body_bytes` of a body.
    seconds: float = 60.0
    #: The least that must arrive of a body in that time; any real connection is faster.
    body_bytes = 1024

    _timer: asyncio.TimerHandle | None = None
    _received = 0
    _reading_body = False
    #: Bytes of answers in this process at the last look, those that the client had not confirmed
    #: then, and whether the system took many since.
    _unsent = _unconfirmed = 0
    _resumed = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what arrives."""
        self._received += len(data)
        super().data_received(data)
        reading_body = self.conn.their_state is h11.SEND_BODY
        if reading_body != self._reading_body:
            # Headers are complete, or the whole request is.
            self._reading_body = reading_body
            self._wait()

    def resume_writing(self) -> None:
        """Note that the client reads."""
        super().resume_writing()
        self._resumed = True

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        super().on_response_complete()
        self._wait()

    def _wait(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._received = 0
        self._timer = self.loop.call_later(self.seconds, self._look)

    def _look(self) -> None:
        if self._unread():
            self.transport.abort()
            return
        if self.transport.is_closing():
            self._wait()  # until the rest of the answer is sent
            return
        state = self.conn.their_state
        answering = self.cycle is not None and not self.cycle.response_complete
        if state is h11.IDLE and not answering:
            late = not self._unsent
        elif state is h11.SEND_BODY and not self.flow.read_paused:
            late = self._received < self.body_bytes
        else:  # the server is at work, not the client
            late = False
        if not late:
            self._wait()
        else:
            if not (self.cycle is not None and self.cycle.response_started and answering):
                self.transport.write(_TIMEOUT)
            self.transport.close()
            self._wait()

    def _unread(self) -> bool:
        """Returns whether the client took less than `body_bytes` since the last look."""
        before, confirmed, resumed = self._unsent, self._unconfirmed, self._resumed
        self._unsent, self._resumed = self.transport.get_write_buffer_size(), False
        # The system takes more only when a large part of its own buffer is free.
        self._unconfirmed = self._unsent + _in_the_system(self.transport)
        if not before or not self._unsent or resumed:
            return False
        return confirmed - self._unconfirmed < self.body_bytes


def _in_the_system(transport: asyncio.Transport) -> int:
    """Returns the bytes that the system has not sent, or the other side not confirmed (tcp(7))."""
    found = array.array("i", [0])
    fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, found)
    return found[0]
