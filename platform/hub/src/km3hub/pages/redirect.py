"""Links to a file in the user's own server, `/hub/user-redirect/PATH`."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

__all__ = ["to_user_server"]


def to_user_server(path: str, request: Any, user: Any, base_url: str) -> str:
    """Returns the address that starts the user's server and opens the file.

    JupyterHub decodes the path and inserts it unencoded into the next address, so that a name with
    `%`, `#` or `?` leads elsewhere. Here the request's own spelling is kept
    (`c.JupyterHub.user_redirect_hook`).
    """
    hub, _, asked = request.path.partition("/user-redirect/")
    wanted = user.url + asked + (f"?{request.query}" if request.query else "")
    return f"{hub}/spawn/{user.escaped_name}?{urlencode({'next': wanted})}"
