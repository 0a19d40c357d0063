"""Cookies that no user's server receives or can replace."""

from __future__ import annotations

from typing import Any

from jupyterhub.handlers import base

__all__ = ["COOKIE_OPTIONS", "keep_session_at_hub"]

#: Other sites' pages cannot send requests with our cookies, except by a link to one of our pages.
#: `Strict` would break the return from a login provider, and links in e-mails.
COOKIE_OPTIONS = {"samesite": "Lax"}


def keep_session_at_hub(*, host_prefix: bool) -> None:
    """Let the cookie with the session's identifier be for the hub's host name alone.

    JupyterHub sets it for all host names below the hub's, too, so that users' servers notice a
    logout at once. Then each server that a person visits could read it, and replace it.

    Parameters
    ----------
    host_prefix
        Whether the name gets the prefix `__Host-`, with which users' servers cannot set it.
    """
    if host_prefix:
        base.SESSION_COOKIE_NAME = "__Host-jupyterhub-session-id"
    set_cookie, clear = base.BaseHandler._set_cookie, base.BaseHandler.clear_login_cookie

    def set_without_domain(self: Any, key: str, value: Any, **options: Any) -> None:
        if key == base.SESSION_COOKIE_NAME:
            options.pop("domain", None)
        set_cookie(self, key, value, **options)

    def clear_without_domain(self: Any, name: str | None = None) -> None:
        clear(self, name)
        self.clear_cookie(base.SESSION_COOKIE_NAME, path=self.base_url)

    base.BaseHandler._set_cookie = set_without_domain
    base.BaseHandler.clear_login_cookie = clear_without_domain
