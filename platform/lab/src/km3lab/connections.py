"""Messages between browser and kernel: their maximum size, and floods of output."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from tornado.ioloop import IOLoop

from km3lab.home import amount

if TYPE_CHECKING:
    from km3lab.cells import Cells
    from km3lab.notices import Notices
    from km3lab.watch import Watch

__all__ = ["KernelConnection", "largest_message"]

#: Maximum bytes of one message. Tornado's own limit of 10 MB would close the connection of an
#: upload widget.
_LARGEST = 256 << 20
_LEAST = 16 << 20
#: A message is in memory several times at once (frame, message, signature, the kernel's copy).
_SHARE = 8
#: Seconds before an unresponsive kernel is asked again.
_AGAIN = 2
#: RFC 6455, section 7.4.1: message too big.
_TOO_BIG = 1009
#: Messages of more bytes are not those of a cell that somebody typed.
_CELL = 1 << 20
_V1 = "v1.kernel.websocket.jupyter.org"

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

        Jupyter asks once and waits a minute; a kernel that restarts its start-up
        (`kernel_start.py`), or dies and is restarted, loses earlier requests.
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

    def handle_incoming_message(self, incoming_msg: str) -> None:
        """Pass a message on to the kernel, and note which cell it runs."""
        super().handle_incoming_message(incoming_msg)
        if len(incoming_msg) <= _CELL:
            try:
                self._note_request(incoming_msg)
            except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
                self.log.debug("km3lab.cells: a message was not understood: %s", error)

    def _note_request(self, message: Any) -> None:
        cells = self._setting("km3lab_cells")
        if cells is None:
            return
        if self.subprotocol == _V1:
            channel, parts = deserialize_msg_from_ws_v1(message)
            header, metadata, content = (json.loads(parts[at]) for at in (0, 2, 3))
        else:
            if isinstance(message, bytes):
                return
            whole = json.loads(message)
            channel, header = whole.get("channel"), whole["header"]
            metadata, content = whole.get("metadata"), whole["content"]
        if channel == "shell" and header.get("msg_type") == "execute_request":
            cells.requested(header, metadata, content)

    def _on_error(self, channel: str, msg: Any, msg_list: Any) -> None:
        """Note what the kernel runs, and lack of memory; called for every message of the kernel."""
        super()._on_error(channel, msg, msg_list)
        cells: Cells | None = self._setting("km3lab_cells")
        if channel != "iopub" or cells is None:
            return
        header = self.get_part("header", msg["header"], msg_list)
        kind = header["msg_type"]
        if kind not in ("status", "error"):
            return
        content = self._content(msg, msg_list)
        if kind == "status":
            parent = self.get_part("parent_header", msg["parent_header"], msg_list)
            state = content.get("execution_state", "")
            cells.status(self.kernel_id, str(parent.get("msg_id")), state)
        elif "MemoryError" in str(content.get("ename")):
            watch: Watch | None = self._setting("km3lab_watcher")
            if watch is not None:
                watch.memory_error(self.kernel_id, str(content.get("evalue")))

    def _content(self, msg: Any, msg_list: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.get_part("content", msg.get("content"), msg_list)
        return found

    def _setting(self, name: str) -> Any:
        return self.websocket_handler.settings.get(name)

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
