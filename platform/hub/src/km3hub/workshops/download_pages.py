"""`/hub/archive#SECRET`: a participant downloads the archive of a home that is gone. Public.

The page posts the secret, which is in no address that anybody logs. The answer is a cookie for this
one archive, with which the browser fetches the file and can resume an interrupted download.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyterhub.handlers.base import BaseHandler
from tornado import web

from km3hub.login.address import client_address
from km3hub.login.throttle import Throttle
from km3hub.membership.names import WorkshopError
from km3hub.workshops.downloads import Download, Downloads

__all__ = ["ArchiveFile", "ArchivePage"]

_COOKIE = "km3-archive"
#: Days for which a browser may resume a download.
_DAYS = 1
#: Downloads at the same time.
AT_ONCE = 20
_GONE = (
    "This download link has expired or was revoked, or it is incomplete. Copy the whole link, or"
    " ask the organiser of your workshop."
)
_TROUBLE = "Downloads are not possible at the moment. Please try again later."


def _name(handler: Any) -> str:
    prefix = "__Secure-" if handler.request.protocol == "https" else ""
    return prefix + _COOKIE


class ArchivePage(BaseHandler):
    """The page behind the link."""

    def initialize(self, downloads: Callable[[], Downloads], throttle: Callable[[], Throttle]):  # type: ignore[no-untyped-def]
        """Keep the archives, and the counts of wrong links."""
        self._downloads, self._throttle = downloads(), throttle()

    async def get(self) -> None:
        """Show the page, which reads the secret from the address."""
        self.finish(await self._page())

    async def post(self) -> None:
        """Let this browser fetch the archive of a link.

        Raises
        ------
        tornado.web.HTTPError
            429 after too many wrong links.
        """
        trusted = getattr(self.authenticator, "trusted_proxies", ())
        address = client_address(self.request, trusted)
        try:
            found = self._downloads.find(self.get_body_argument("secret", ""))
        except WorkshopError as error:
            self.log.error("Archives: %s", error)
            raise web.HTTPError(503, _TROUBLE) from None
        if found is None:
            seconds = self._throttle.wait("", address)
            self._throttle.failed(None, address)
            if seconds:
                raise web.HTTPError(429, f"Too many wrong links. Try again in {seconds} seconds.")
            self.set_status(404)
            self.finish(await self._page(_GONE))
            return
        path = f"{self.hub.base_url}archive-file/"
        self.set_secure_cookie(
            _name(self),
            found.digest or "",
            path=path,
            expires_days=_DAYS,
            httponly=True,
            samesite="Strict",
            secure=self.request.protocol == "https",
        )
        self.redirect(f"{path}{found.account}.zip", status=303)

    async def _page(self, failure: str = "") -> str:
        self.set_header("Cache-Control", "no-store")
        page: str = await self.render_template(
            "archive.html", failure=failure, xsrf=self.xsrf_token.decode("ascii")
        )
        return page


class ArchiveFile(web.StaticFileHandler):
    """The file, or a part of it."""

    _running = 0
    _counted = False

    def initialize(self, folder: str, downloads: Callable[[], Downloads]) -> None:  # type: ignore[override]
        """Keep the folder of workshops, and the archives."""
        super().initialize(folder)
        self._downloads = downloads()
        self._found: Download | None = None

    async def get(self, path: str, include_body: bool = True) -> None:
        """Send the archive of the cookie's link.

        Raises
        ------
        tornado.web.HTTPError
            404 without a valid link, 503 where too many download at the same time.
        """
        key = self.get_secure_cookie(_name(self), max_age_days=_DAYS) or b""
        try:
            found = self._downloads.with_digest(key.decode("ascii", "replace"))
        except WorkshopError:
            raise web.HTTPError(503, reason="Archives Unavailable") from None
        if found is None or path != f"{found.account}.zip":
            raise web.HTTPError(404)
        if ArchiveFile._running >= AT_ONCE:
            self.set_header("Retry-After", "60")
            raise web.HTTPError(503, reason="Too Many Downloads")
        ArchiveFile._running += 1
        self._counted = True
        self._found = found
        file = self._downloads.path(found.workshop, found.account)
        if include_body and "Range" not in self.request.headers:
            self._downloads.count(found)
        await super().get(str(file.relative_to(Path(self.root))), include_body)

    def on_finish(self) -> None:
        """Make room for the next download."""
        self._end()

    def on_connection_close(self) -> None:
        """Make room for the next download."""
        super().on_connection_close()
        self._end()

    def _end(self) -> None:
        if self._counted:
            ArchiveFile._running -= 1
            self._counted = False

    def compute_etag(self) -> str | None:
        """Returns the checksum that is known; tornado would read the whole file."""
        return f'"{self._found.sha256}"' if self._found else None

    def set_extra_headers(self, path: str) -> None:
        """Make browsers save the file, and keep it nowhere else."""
        self.set_header("Content-Type", "application/zip")
        self.set_header("Content-Disposition", "attachment")
        self.set_header("Cache-Control", "private, no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Content-Security-Policy", "default-src 'none'; sandbox")
