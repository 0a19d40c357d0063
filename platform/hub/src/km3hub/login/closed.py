"""Requests of users whose access has ended."""

from __future__ import annotations

from typing import Any

__all__ = ["lock_out", "refuse"]

#: Scopes of a running server's own tokens.
_OWN_SERVER = ("access:servers", "users:activity", "read:users:name", "read:users:groups")


def lock_out(handler: Any, reason: str) -> bool:
    """Returns whether the request is allowed nevertheless, because a running server sends it.

    A running server is left alone so that work can be saved. Any other request is redirected to the
    login page, which shows the reason, or refused where it has a token.

    Parameters
    ----------
    handler
        The handler of the request, or None.
    reason
        The reason for the login page.
    """
    if handler is None:
        return False
    # Not `get_token`: a request by cookie may bear a token, too, which proves nothing there.
    if getattr(handler, "_token_authenticated", False):
        token = handler.get_token()
        if token is not None and all(s.partition("!")[0] in _OWN_SERVER for s in token.scopes):
            return True
    return refuse(handler, reason)


def refuse(handler: Any, reason: str) -> bool:
    """Returns False: the request is refused, whoever makes it.

    Parameters
    ----------
    handler
        The handler of the request, or None.
    reason
        The reason for the login page.
    """
    if handler is not None:
        handler.closed_account = reason
        # JupyterHub 6.1.1 also reads this for cookies, where it never sets it.
        if not hasattr(handler, "_token_authenticated"):
            handler._token_authenticated = False
    return False
