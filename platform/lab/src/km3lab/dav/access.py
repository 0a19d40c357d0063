"""Who may reach the files: the owner of the server, by a token. No cookie counts."""

from __future__ import annotations

import base64
import os
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from km3lab.dav.errors import DavError

if TYPE_CHECKING:
    from jupyter_server.base.handlers import JupyterHandler
    from tornado.httputil import HTTPServerRequest

__all__ = ["SCOPE", "forget_cookies", "is_browser", "is_owner"]

#: A token with this scope reaches the files and nothing else of the server; the hub defines it
#: (`km3hub/configure/files.py`).
SCOPE = "custom:files"
#: Headers that browsers send by themselves and that no page can leave out.
_BROWSERS = ("Origin", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-Dest")


def is_browser(request: HTTPServerRequest) -> bool:
    """Whether a page or person in a browser sent it.

    A browser that remembers the token of a Basic login would send it for any page that asks.
    """
    return any(name in request.headers for name in _BROWSERS)


def forget_cookies(request: HTTPServerRequest) -> None:
    """Remove cookies and the token in the address, and make a Basic password a token."""
    for name in ("Cookie", "X-XSRFToken"):
        request.headers.pop(name, None)
    for arguments in (request.arguments, request.query_arguments):
        arguments.pop("token", None)
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return
    try:
        _, _, token = base64.b64decode(text.strip(), validate=True).decode().partition(":")
    except ValueError:
        token = ""
    if token and token.isprintable() and " " not in token:
        request.headers["Authorization"] = f"token {token}"
    else:
        del request.headers["Authorization"]


async def is_owner(handler: JupyterHandler) -> bool:
    """Whether the request has a token of this server's owner, for files or for the whole server.

    Raises
    ------
    DavError
        403 for a token of somebody else, also of those who may open the server.
    """
    if "Authorization" not in handler.request.headers:
        return False
    hub = getattr(handler.identity_provider, "hub_auth", None)
    if hub is None:
        found = handler.identity_provider.get_user(handler)
        return (await found if isawaitable(found) else found) is not None
    token = hub.get_token(handler, in_cookie=False)
    user: dict[str, Any] | None = await hub.user_for_token(token, sync=False) if token else None
    if user is None:
        return False
    owner = os.environ.get("JUPYTERHUB_USER", "")
    if user.get("kind") != "user" or not owner or user.get("name") != owner:
        raise DavError(403, "Only the owner of this server can reach its files from outside.")
    scopes = set(user.get("scopes", ()))
    if scopes & {SCOPE, f"{SCOPE}!user={owner}"}:
        return True
    return bool(hub.check_scopes(hub.access_scopes, user))
