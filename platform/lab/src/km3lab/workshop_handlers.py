"""What the pages of JupyterLab tell this server during a workshop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

from km3lab.larger import RestartHandler
from km3lab.memory_use import memory_use
from km3lab.place import reached
from km3lab.workshops import Workshops

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

    from km3lab.cells import Cells
    from km3lab.memory import ControlGroup
    from km3lab.notices import Notices

__all__ = ["MessageHandler", "ProgressHandler", "join_workshops"]


class _WorkshopHandler(APIHandler):
    def initialize(self, workshops: Workshops) -> None:
        """Keep the contact with the hub."""
        self._workshops = workshops


class MessageHandler(_WorkshopHandler):
    """`POST {"message": NUMBER}`: the user has read a message of a teacher."""

    @web.authenticated
    def post(self) -> None:
        """Dismiss it."""
        number = (self.get_json_body() or {}).get("message")
        if not isinstance(number, int) or isinstance(number, bool):
            raise web.HTTPError(400, 'send {"message": NUMBER}')
        self._workshops.dismiss(number)
        self.set_status(204)
        self.finish()


class ProgressHandler(_WorkshopHandler):
    """`POST {"workshop": NAME, "agreed": true or false}`: whether to show the user's progress."""

    @web.authenticated
    def post(self) -> None:
        """Pass the answer on."""
        body = self.get_json_body() or {}
        name, agreed = body.get("workshop"), body.get("agreed")
        if not isinstance(name, str) or not isinstance(agreed, bool):
            raise web.HTTPError(400, 'send {"workshop": NAME, "agreed": true or false}')
        self._workshops.answer(name, agreed=agreed)
        self.set_status(204)
        self.finish()


def join_workshops(
    app: ServerApp,
    notices: Notices,
    group: ControlGroup | None,
    cells: Cells,
    home: Path | None,
) -> None:
    """Keep a server in contact with its hub, and add the addresses for JupyterLab.

    Parameters
    ----------
    app
        The server.
    notices
        Where the user sees messages.
    group
        The control group that limits the server.
    cells
        The cells that kernels ran.
    home
        Where files are exchanged; None: it cannot be written.
    """

    async def place() -> dict[str, object] | None:
        return await reached(app, cells)

    workshops = Workshops(notices, lambda: memory_use(group), app.log, home, place)
    base = app.web_app.settings["base_url"]
    options = {"workshops": workshops}
    handlers = [
        (url_path_join(base, "km3", "messages"), MessageHandler, options),
        (url_path_join(base, "km3", "progress"), ProgressHandler, options),
        (url_path_join(base, "km3", "restart"), RestartHandler),
    ]
    app.web_app.add_handlers(".*$", handlers)
    app.web_app.settings["km3lab_workshops"] = workshops
    app.io_loop.add_callback(workshops.keep)
