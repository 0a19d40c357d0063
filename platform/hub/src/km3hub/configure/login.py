"""Who may log in, and the cookies that remember it."""

from __future__ import annotations

from typing import Any

from km3hub.login.authenticator import AccountsAuthenticator
from km3hub.settings import Settings
from km3hub.state import Runtime

__all__ = ["configure_login"]

#: Days after which everybody must log in again.
_COOKIE_DAYS = 7


def configure_login(c: Any, settings: Settings) -> None:
    """Set the Authenticator, who is allowed, and the cookies.

    `settings.login.method` knows only `accounts`; `oidc` is refused when the settings are read.
    """
    c.JupyterHub.authenticator_class = AccountsAuthenticator
    _accounts(c, settings)
    _cookies(c, settings)


def _accounts(c: Any, settings: Settings) -> None:
    own = c.AccountsAuthenticator
    own.accounts_file = str(Runtime.from_environment().state.accounts)
    own.attempts = settings.login.attempts
    own.pause_seconds = settings.login.pause_seconds
    own.trusted_proxies = list(settings.login.trusted_proxies)
    own.contact = settings.site.contact
    # The file of accounts is the list of those who may come in.
    own.allow_all = True
    # Always stale: each request looks at the file, which costs a `stat`. JupyterHub remembers
    # freshness by user, so that with any age a running server's request would open the hub's pages
    # to a closed account for that long.
    own.auth_refresh_age = -1
    own.refresh_pre_spawn = True
    # Tokens of a closed account are refused too, but for those of a server that runs (see there).
    own.auth_refresh_strict = True


def _cookies(c: Any, settings: Settings) -> None:
    c.JupyterHub.cookie_max_age_days = _COOKIE_DAYS
    # `__Host-` cookies need https: browsers drop them elsewhere.
    https = (settings.site.public_url or "").startswith("https://")
    c.JupyterHub.cookie_host_prefix_enabled = https
