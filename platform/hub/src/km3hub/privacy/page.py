"""`GET /hub/privacy`: what the hub keeps of a person. Public."""

from __future__ import annotations

from collections.abc import Sequence

from jupyterhub.handlers.base import BaseHandler

from km3hub.privacy.kept import Kept

__all__ = ["PrivacyHandler"]


class PrivacyHandler(BaseHandler):
    """The privacy page."""

    def initialize(self, rows: Sequence[Kept], policy: str, portal: str) -> None:
        """Keep what the page shows.

        Parameters
        ----------
        rows
            What is kept.
        policy
            The address of the site's own privacy policy; empty: none.
        portal
            The address of the Open Data Center; empty: none.
        """
        self._rows, self._policy, self._portal = rows, policy, portal

    async def get(self) -> None:
        """Answer with the page."""
        page = await self.render_template(
            "privacy.html", rows=self._rows, policy=self._policy, portal=self._portal
        )
        self.finish(page)
