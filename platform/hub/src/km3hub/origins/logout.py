"""Logging out only if the person at the screen wants it."""

from __future__ import annotations

from typing import Any
from urllib.parse import SplitResult, urlsplit

from jupyterhub.handlers.login import LogoutHandler

__all__ = ["ask_before_logout"]


def ask_before_logout() -> None:
    """Ask before a logout that a page other than the hub's has requested.

    JupyterHub logs out whoever requests `/hub/logout`; an image with this address on any page of a
    user's server would end a visitor's session.
    """
    log_out = LogoutHandler.get

    async def ask_or_log_out(self: Any) -> None:
        if self.current_user is None or _is_wanted(self):
            await log_out(self)
            return
        self.finish(await self.render_template("confirm_logout.html"))

    LogoutHandler.get = ask_or_log_out


def _is_wanted(handler: Any) -> bool:
    """Returns whether a page of the hub, or the person in the address bar, sent the request."""
    request = handler.request
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    # Browsers send that header only by https and on loopback. Programs send neither.
    origin = _parts(request.headers.get("Referer", ""))
    if not origin.netloc:
        return "Mozilla" not in request.headers.get("User-Agent", "")
    return bool(origin.netloc == request.host and origin.path.startswith(handler.hub.base_url))


def _parts(address: str) -> SplitResult:
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("http://invalid/")
