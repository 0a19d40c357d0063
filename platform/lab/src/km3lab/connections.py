"""Messages between browser and kernel: their maximum size, and floods of output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from tornado.ioloop import IOLoop

from km3lab.home import amount

if TYPE_CHECKING:
    from km3lab.notices import Notices

__all__ = ["KernelConnection", "largest_message"]

#: Bytes of one message at most. Tornado's own limit of 10 MB cuts the connection at what a widget
#: for uploads sends.
_LARGEST = 256 << 20
_LEAST = 16 << 20
#: A message is held several times over on its way (frame, message, signature, the kernel's copy).
_SHARE = 8
#: Seconds until a kernel that did not answer is asked again.
_AGAIN = 2
#: RFC 6455, section 7.4.1: message too big.
_TOO_BIG = 1009

_FLOOD = (
    "Some output is omitted: this cell prints {much}, more than a browser can show.\n"
    "The cell keeps running. To see everything, write to a file"
    " (print(..., file=open('out.txt', 'a'))) and look at its end;\n"
    "or print less: every thousandth step, a progress bar (tqdm), the head of a table.\n"
)


def largest_message(memory_limit: int | None) -> int:
    """Returns the maximum size of a message to a kernel, in bytes, for this memory limit."""
    if memory_limit is None:
        return _LARGEST
    return max(_LEAST, min(_LARGEST, memory_limit // _SHARE))


class KernelConnection(ZMQChannelsWebsocketConnection):
    """Jupyter's connection, with messages for users who cannot change its settings."""

    def connect(self) -> Any:
        """Connect browser and kernel."""
        self._tell_of_refusals()
        return super().connect()

    def request_kernel_info(self) -> Any:
        """Ask the kernel for its information until it answers.

        Jupyter asks once and waits a minute; a kernel that begins its start anew
        (`kernel_start.py`), or dies and is restarted, loses what it was asked before.
        """
        answer = super().request_kernel_info()
        self._ask_again()
        return answer

    def _ask_again(self) -> None:
        if self._kernel_info_future.done():
            return
        channel = self.kernel_info_channel
        if channel is not None and not channel.closed():
            self.session.send(channel, "kernel_info_request")
        IOLoop.current().call_later(_AGAIN, self._ask_again)

    def _tell_of_refusals(self) -> None:
        protocol = self.websocket_handler.ws_connection
        if protocol is None:
            return
        close = protocol.close

        def report(code: int | None = None, reason: str | None = None) -> None:
            if code == _TOO_BIG:
                self._refused()
            close(code, reason)

        protocol.close = report

    def _refused(self) -> None:
        settings = self.websocket_handler.settings
        notices: Notices | None = settings.get("km3lab_notices")
        if notices is None:
            return
        limit = amount(settings["websocket_max_message_size"])
        notices.withdraw("message")
        notices.add(
            "message",
            "error",
            f"A message to a kernel was refused: it is larger than {limit}.",
            details="The cell or widget that sent it gets no answer; interrupt the kernel to"
            " continue. Put large data into a file instead: drag it into the file browser on the"
            " left and open it in the notebook by its name.",
        )

    def write_stderr(self, error_message: str, parent_header: Any) -> None:
        """Show a message below a cell, without advice about settings that users cannot change."""
        super().write_stderr(self._in_words(error_message), parent_header)

    def _in_words(self, message: str) -> str:
        if message.startswith("IOPub data rate"):
            return _FLOOD.format(much=f"more than {amount(self.iopub_data_rate_limit)} a second")
        if message.startswith("IOPub message rate"):
            return _FLOOD.format(much=f"more than {self.iopub_msg_rate_limit:.0f} times a second")
        return message
