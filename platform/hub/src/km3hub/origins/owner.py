"""The cookie by which the proxy recognises owners, if everything has one host name.

The proxy (`images/proxy/origins.mjs`) lets a browser reach a user's server only with this cookie.
It sends browsers without the cookie here.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from urllib.parse import unquote, urlsplit

from jupyterhub.handlers.base import BaseHandler
from tornado import web

__all__ = ["COOKIE", "EnterHandler", "owner_cookie", "owner_key"]

COOKIE = "km3-owner"
#: Seconds; longer than any login, with whose session it ends.
_LIFETIME = 8 * 86400


def owner_key(proxy_token: str) -> bytes:
    """Returns the key of the cookies, from the secret that hub and proxy share."""
    return hmac.digest(proxy_token.encode(), b"owner of a server", hashlib.sha256)


def owner_cookie(key: bytes, user: str, session: str, expires: int) -> str:
    """Returns the cookie's value, `EXPIRES.MAC`.

    Parameters
    ----------
    key
        See `owner_key`.
    user
        The name of the server's owner.
    session
        The identifier of the browser's session with the hub.
    expires
        Seconds since 1970.
    """
    text = f"{user}\n{session}\n{expires}".encode()
    return f"{expires}.{hmac.digest(key, text, hashlib.sha256).hex()}"


class EnterHandler(BaseHandler):
    """`GET /hub/enter?next=PATH`: lets a browser into its user's own server, and no other."""

    def initialize(self, key: bytes) -> None:
        """Keep the key of the cookies."""
        self._key = key

    @web.authenticated
    def get(self) -> None:
        """Set the cookie and go on to the server, or refuse.

        Raises
        ------
        tornado.web.HTTPError
            403 where the server belongs to another user.
        """
        user = self.current_user
        wanted = self.get_argument("next", user.base_url)
        path = unquote(urlsplit(wanted).path)
        own = unquote(user.base_url).rstrip("/")
        if not f"{path}/".startswith(f"{own}/") or ".." in path.split("/") or "\\" in path:
            raise web.HTTPError(
                403,
                "This server belongs to somebody else. On this platform only its owner can open it,"
                " because users' servers have no host names of their own.",
            )
        session = self.get_session_cookie() or self.set_session_cookie()
        expires = int(time.time()) + _LIFETIME
        self._set_cookie(
            COOKIE,
            owner_cookie(self._key, user.name, session, expires),
            encrypted=False,
            path=user.base_url.rstrip("/"),
            max_age=_LIFETIME,
        )
        self.set_header("Cache-Control", "no-store")
        # A path of this host: it begins with the user's own.
        self.redirect(wanted)
