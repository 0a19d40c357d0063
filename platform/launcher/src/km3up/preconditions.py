"""What has to be true before the platform's containers can start."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

from km3up.failure import Failure

__all__ = ["require_free", "require_readable"]

#: Access for others: the images' user has uid 1000, which may not own the files.
_OTHERS_READ, _OTHERS_ENTER = stat.S_IROTH, stat.S_IXOTH


def require_readable(file: Path) -> None:
    """Check that the hub's container can read the settings.

    Raises
    ------
    Failure
        If it cannot.
    """
    folder = file.parent
    needed = _OTHERS_READ | _OTHERS_ENTER
    if folder.stat().st_mode & needed != needed or not file.stat().st_mode & _OTHERS_READ:
        raise Failure(
            f"The hub's container cannot read {file}. To allow it:"
            f" chmod o+rx '{folder}' && chmod o+r '{file}'"
        )


def require_free(port: int, what: str, *, instead: int) -> None:
    """Check that no other program uses a port on the loopback address.

    Parameters
    ----------
    port
        The port.
    what
        What it is for.
    instead
        The port of the login page that the message proposes.

    Raises
    ------
    Failure
        If it is in use.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise Failure(
                f"Port {port} ({what}) is in use by another program. Choose another one:"
                f" make up PORT={instead}"
            ) from None
