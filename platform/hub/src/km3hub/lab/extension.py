"""The platform's extension of the Jupyter server."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "km3hub.lab.extension"}]


def _load_jupyter_server_extension(app: ServerApp) -> None:
    app.log.debug("The platform's extension is loaded")
