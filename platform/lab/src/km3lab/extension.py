"""The platform's Jupyter server extension: notices, activity, notebooks for records."""

from __future__ import annotations

import asyncio
import json
import os
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web
from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from tornado.ioloop import PeriodicCallback

from km3lab.bearer import FILE_VARIABLE, Bearer
from km3lab.cells import Cells
from km3lab.courses.handlers import open_courses
from km3lab.dav.handler import share_files
from km3lab.downloads import Downloads, FolderHandler
from km3lab.fullness import INTERVAL as FULLNESS_INTERVAL
from km3lab.fullness import Fullness
from km3lab.home import left
from km3lab.memory import ControlGroup
from km3lab.notices import Notices
from km3lab.quota import QuotaReports
from km3lab.record import IDENTIFIER, RecordError, notebook, provide
from km3lab.surroundings import Surroundings
from km3lab.trash import LARGEST, Trash
from km3lab.trash_page import TrashHandler
from km3lab.troubles import KernelTroubles
from km3lab.use import ServerUse
from km3lab.watch import INTERVAL, Watch
from km3lab.workshop_handlers import join_workshops

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

__all__ = ["NoticesHandler", "RecordHandler", "UseHandler"]

#: Share of a home's limit above which deleted files are not kept.
_NEARLY_FULL = 0.8
#: Seconds that the portal may take to describe a record.
_TIMEOUT = 20
_NO_NOTEBOOK = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>No notebook for this record</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<style>body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 36rem; margin: 15vh auto;
padding: 0 1.5rem }}</style></head>
<body><h1>No notebook for this record</h1><p>{why}</p><p><a href="{lab}">Go to JupyterLab</a></p>
</body></html>
"""


class NoticesHandler(APIHandler):
    """The notices. Polling them is not activity; pressing a button is."""

    def initialize(self, notices: Notices) -> None:
        """Keep the notices."""
        self._notices = notices

    @web.authenticated
    def get(self) -> None:
        """Answer with all current notices and the landing page."""
        self.set_header("Cache-Control", "no-store")
        self.finish(self._notices.model())

    @web.authenticated
    def post(self) -> None:
        """Keep the server running: this request itself is the activity."""
        self._notices.withdraw("idle")
        self.set_status(204)
        self.finish()

    @web.authenticated
    def put(self) -> None:
        """Show a notice of the site: `{"text": ..., "details": ...}`."""
        body = self.get_json_body() or {}
        text, details = body.get("text"), body.get("details", "")
        if not isinstance(text, str) or not isinstance(details, str) or not text:
            raise web.HTTPError(400, 'send {"text": "what happens", "details": "what it means"}')
        self._notices.withdraw("site")
        self._notices.add("site", "warning", text, details=details)
        self.set_status(204)
        self.finish()


class RecordHandler(JupyterHandler):
    """Opens a notebook for a record of the Open Data Center, and creates it if it is missing."""

    def initialize(self, root: Path) -> None:
        """Keep the file browser's folder."""
        self._root = root

    @web.authenticated
    async def get(self, identifier: str) -> None:
        """Redirect to the notebook in Lab."""
        try:
            record = await self._record(identifier)
            content = notebook(record, os.environ.get("KM3_OPENDATA_URL", ""))
            path = await asyncio.to_thread(provide, self._root, record["identifier"], content)
        except RecordError as error:
            self.set_status(404)
            self.finish(_NO_NOTEBOOK.format(why=escape(str(error)), lab=f"{self.base_url}lab"))
            return
        self.redirect(url_path_join(self.base_url, "lab", "tree", quote(path)))

    async def _record(self, identifier: str) -> dict[str, Any]:
        server = os.environ.get("OPENKM3_SERVER", "").rstrip("/")
        if not server:
            raise RecordError("This server has no Open Data Center (OPENKM3_SERVER is not set).")
        url = f"{server}/api/v1/records/{quote(identifier)}/"
        try:
            answer = await AsyncHTTPClient().fetch(url, request_timeout=_TIMEOUT)
        except HTTPClientError as error:
            if error.code == 404:
                raise RecordError(
                    f"The Open Data Center has no record {identifier}; it may have been withdrawn."
                ) from None
            raise RecordError(
                f"The Open Data Center is not responding ({error.message}); try again in a minute."
            ) from None
        except OSError as error:
            raise RecordError(
                f"The Open Data Center cannot be reached ({error}); try again in a minute."
            ) from None
        try:
            found: dict[str, Any] = json.loads(answer.body)
        except ValueError:
            raise RecordError("The Open Data Center did not send a valid record.") from None
        return found


class UseHandler(APIHandler):
    """`GET`: what `ServerUse.now` returns. Asking is not activity."""

    def initialize(self, use: ServerUse) -> None:
        """Keep what measures."""
        self._use = use

    @web.authenticated
    async def get(self) -> None:
        """Answer with the numbers."""
        self.set_header("Cache-Control", "no-store")
        self.finish(await self._use.now())


def _by_a_person(handler: APIHandler) -> bool:
    if handler.request.method in ("GET", "HEAD", "OPTIONS"):
        return False
    # JupyterLab saves the layout of its windows by itself, every ten seconds.
    base = handler.settings["base_url"]
    return not str(handler.request.path).startswith(url_path_join(base, "lab", "api"))


def _count_what_people_do() -> None:
    # An open tab requests the lists of kernels, terminals and files every few seconds: only
    # changes are activity, reading is not. Kernel messages and terminal input count by
    # themselves. The attribute is Jupyter Server's own switch for what to count.
    APIHandler._track_activity = property(_by_a_person)


def _keep_token(app: ServerApp, notices: Notices) -> None:
    audience = os.environ.get("KM3_DATA_TOKEN")
    if not audience:
        return
    # In a folder that nobody else may enter, and that is removed with the server.
    file = Path(os.environ["JUPYTER_RUNTIME_DIR"]).parent / "bearer-token"
    # Kernels and terminals inherit it.
    os.environ[FILE_VARIABLE] = str(file)
    bearer = Bearer(file, audience, notices, app.log)
    app.web_app.settings["km3lab_bearer"] = bearer
    app.io_loop.add_callback(bearer.keep)


def _keep_deleted_files(app: ServerApp, around: Surroundings, fullness: Fullness) -> None:
    # Elsewhere Jupyter uses the desktop's own trash. A home that takes no files has none.
    if not (around.hub or around.container) or Path(app.root_dir) != around.home:
        return

    def nearly_full() -> bool:
        used, limit = fullness.uses.get("home", (0, 1))
        return used >= _NEARLY_FULL * limit or left(around.home) is not None

    largest = min(LARGEST, around.home_quota // 10) if around.home_quota else LARGEST
    trash = app.web_app.settings["km3lab_trash"] = Trash(around.home, largest, nearly_full)
    page = url_path_join(app.web_app.settings["base_url"], "km3", "trash")
    app.web_app.add_handlers(".*$", [(page, TrashHandler, {"trash": trash})])
    app.web_app.settings.setdefault("page_config_data", {})["km3Trash"] = True


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "km3lab.extension"}]


def _load_jupyter_server_extension(app: ServerApp) -> None:
    _count_what_people_do()
    settings: dict[str, Any] = app.web_app.settings
    notices = settings.setdefault("km3lab_notices", Notices())
    path = url_path_join(settings["base_url"], "km3", "notices")
    record = url_path_join(settings["base_url"], "km3", "records", f"({IDENTIFIER})")
    handlers = [
        (path, NoticesHandler, {"notices": notices}),
        (record, RecordHandler, {"root": Path(app.root_dir)}),
    ]
    app.web_app.add_handlers(".*$", handlers)
    _keep_token(app, notices)
    around = Surroundings.read()
    share_files(app, around)
    troubles = KernelTroubles(Path(app.runtime_dir), around.home)
    fullness = Fullness(around, notices, app.log)
    if Path(app.root_dir) == around.home:
        open_courses(app, notices, around.home)
    group = ControlGroup.of_this_process()
    _keep_deleted_files(app, around, fullness)
    cells = settings["km3lab_cells"] = Cells(group.used if group else None)
    watch = Watch(app, around, notices, group, troubles, fullness=fullness, cells=cells)
    settings["km3lab_watcher"] = watch
    use = url_path_join(settings["base_url"], "km3", "use")
    folder = url_path_join(settings["base_url"], "km3", "folder", "(.+)")
    more = [
        (use, UseHandler, {"use": ServerUse(around, group, fullness)}),
        (folder, FolderHandler, {"downloads": Downloads(Path(app.root_dir))}),
    ]
    app.web_app.add_handlers(".*$", more)
    timer = PeriodicCallback(watch.look, INTERVAL * 1000)
    # Kept in the settings, because nothing else references it.
    settings["km3lab_watch"] = timer
    timer.start()
    if around.hub and (around.home_quota or around.scratch):
        asking = PeriodicCallback(fullness.look, FULLNESS_INTERVAL * 1000)
        settings["km3lab_fullness"] = asking
        asking.start()
        app.io_loop.add_callback(fullness.look)
    if around.hub:
        reports = QuotaReports(watch.kernel_busy, notices, app.log)
        settings["km3lab_quota"] = reports
        app.io_loop.add_callback(reports.keep)
        # With a full home the file browser shows another folder.
        home = around.home if Path(app.root_dir) == around.home else None
        join_workshops(app, notices, group, cells, home)
