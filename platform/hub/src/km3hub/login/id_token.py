"""When a provider's user entered their password, by the provider's ID token."""

from __future__ import annotations

import base64
import json
import time

from km3hub.origins.fresh import MAX_AGE

__all__ = ["is_fresh"]

#: Seconds by which the clocks of provider and hub may differ.
_CLOCKS = 60


def is_fresh(id_token: str | None, *, asked: bool) -> bool:
    """Returns whether the login at the provider is less than five minutes old.

    The token came by https from the provider's own address, so that its signature need not be
    checked (OpenID Connect Core 1.0, 3.1.3.7).

    Parameters
    ----------
    id_token
        The provider's ID token, a JSON Web Token; None: it sent none.
    asked
        Whether the provider was asked to let the user log in again. Then it must name the time
        (`auth_time`); some providers do not, and are believed.
    """
    try:
        body = (id_token or "").split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        at = float(claims["auth_time"])
    except (IndexError, ValueError, KeyError, TypeError):
        return asked
    return time.time() - at < MAX_AGE + _CLOCKS
