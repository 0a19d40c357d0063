"""What happens with requests of somebody who may not come in any more."""

from __future__ import annotations

from typing import Any

__all__ = ["lock_out"]

#: Scopes of the tokens with which a running server keeps itself alive and lets its user in.
_OWN_SERVER = ("access:servers", "users:activity", "read:users:name", "read:users:groups")


def lock_out(handler: Any, reason: str) -> bool:
    """Whether this request may go on all the same, as one of a server that runs.

    Such a server is left alone so that work can be saved. Any other request is sent to the login
    page, which gives the reason, or is refused where it came with a token.

    Parameters
    ----------
    handler
        The handler of the request; None: there is none.
    reason
        What the login page shall say.
    """
    if handler is None:
        return False
    token = handler.get_token()
    if token is not None and all(s.partition("!")[0] in _OWN_SERVER for s in token.scopes):
        return True
    handler.closed_account = reason
    # JupyterHub 6.1.1 reads this also where it never set it: with a cookie.
    if not hasattr(handler, "_token_authenticated"):
        handler._token_authenticated = False
    return False
