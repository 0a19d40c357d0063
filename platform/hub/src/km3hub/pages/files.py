"""`GET /hub/files-from-outside`: where programs reach a user's files, and a token for them."""

from __future__ import annotations

from urllib.parse import urlsplit

from jupyterhub.handlers.base import BaseHandler
from tornado import web

from km3settings.origins import Origins, host_label

__all__ = ["FilesHandler"]


class FilesHandler(BaseHandler):
    """The page; its button makes the token by the hub's own API."""

    def initialize(self, origins: Origins, scope: str) -> None:
        """Keep what the page shows.

        Parameters
        ----------
        origins
            Where users' servers are.
        scope
            What the token may do.
        """
        self._origins, self._scope = origins, scope

    @web.authenticated
    async def get(self) -> None:
        """Answer with the page."""
        user = self.current_user
        path = f"{user.base_url}dav/"
        origin = self._origins.hub
        if self._origins.own:
            parts = urlsplit(origin)
            origin = f"{parts.scheme}://{host_label(user.name)}.{parts.netloc}"
        elif not self._origins.settings.site.public_url:
            origin = f"{self.request.protocol}://{self.request.host}"
        page = await self.render_template(
            "files.html",
            address=f"{origin}{path}",
            at_hub=f"{self._origins.hub}{path.rstrip('/')}" if self._origins.own else "",
            running=user.spawner.ready,
            scope=self._scope,
        )
        self.set_header("Cache-Control", "no-store")
        self.finish(page)
