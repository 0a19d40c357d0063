"""The platform's extension of the Jupyter server: notices, and what counts as activity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web
from tornado.ioloop import PeriodicCallback

from km3hub.lab.memory import ControlGroup
from km3hub.lab.notices import Notices
from km3hub.lab.surroundings import Surroundings
from km3hub.lab.watch import INTERVAL, Watch

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

__all__ = ["NoticesHandler"]


class NoticesHandler(APIHandler):
    """The notices; asking for them does not count as activity, pressing a button does."""

    def initialize(self, notices: Notices) -> None:
        """Take what to show."""
        self._notices = notices

    @web.authenticated
    def get(self) -> None:
        """All current notices and the landing page."""
        self.set_header("Cache-Control", "no-store")
        self.finish(self._notices.model())

    @web.authenticated
    def post(self) -> None:
        """Keep the server running: this request itself is the activity."""
        self._notices.withdraw("idle")
        self.set_status(204)
        self.finish()


def _by_a_person(handler: APIHandler) -> bool:
    if handler.request.method in ("GET", "HEAD", "OPTIONS"):
        return False
    # JupyterLab saves the layout of its windows by itself, every ten seconds.
    base = handler.settings["base_url"]
    return not str(handler.request.path).startswith(url_path_join(base, "lab", "api"))


def _count_what_people_do() -> None:
    # An open tab asks for the lists of kernels, terminals and files every few seconds, for ever:
    # reading is no activity, changing something is. Kernel messages and terminal input count
    # by themselves. The attribute is Jupyter Server's own switch of what to count.
    APIHandler._track_activity = property(_by_a_person)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "km3hub.lab.extension"}]


def _load_jupyter_server_extension(app: ServerApp) -> None:
    _count_what_people_do()
    settings: dict[str, Any] = app.web_app.settings
    notices = settings.setdefault("km3hub_notices", Notices())
    path = url_path_join(settings["base_url"], "km3", "notices")
    handlers = [(path, NoticesHandler, {"notices": notices})]
    app.web_app.add_handlers(".*$", handlers)
    watch = Watch(app, Surroundings.read(), notices, ControlGroup.of_this_process())
    timer = PeriodicCallback(watch.look, INTERVAL * 1000)
    # Kept in the settings: nothing else holds on to it.
    settings["km3hub_watch"] = timer
    timer.start()
