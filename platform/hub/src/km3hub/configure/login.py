"""Who may log in, and the login cookies."""

from __future__ import annotations

from typing import Any

from km3hub.configure.extending import extend
from km3settings.provider import Oidc
from km3settings.runtime import Runtime
from km3settings.settings import Settings
from km3settings.state import State

__all__ = ["configure_login"]

#: Days after which everybody must log in again.
_COOKIE_DAYS = 7
#: Seconds after which the provider is asked again for a user's groups.
_REFRESH_SECONDS = 300
#: Timeouts of requests to the provider: for the connection and for the answer.
_CONNECT, _ANSWER = 5, 15


def configure_login(c: Any, settings: Settings, runtime: Runtime) -> None:
    """Set the Authenticator, who is allowed, and the cookies."""
    oidc = settings.login.oidc
    if settings.login.method == "oidc" and oidc is not None:
        _provider(c, settings, oidc, runtime)
    else:
        _accounts(c, settings, runtime.state)
    c.JupyterHub.cookie_max_age_days = _COOKIE_DAYS


# The Authenticators are imported where they are used, because their libraries cost start time and
# memory.


def _accounts(c: Any, settings: Settings, state: State) -> None:
    from km3hub.login.authenticator import AccountsAuthenticator

    c.JupyterHub.authenticator_class = AccountsAuthenticator
    own = c.AccountsAuthenticator
    own.accounts_file = str(state.accounts)
    own.state_folder = str(state.root)
    own.attempts = settings.login.attempts
    own.pause_seconds = settings.login.pause_seconds
    own.trusted_proxies = list(settings.login.trusted_proxies)
    own.contact = settings.site.contact
    # The file of accounts decides who has access and who is in which group.
    own.allow_all = True
    own.manage_groups = True
    # Always stale: each request checks the file, at the cost of a `stat`. JupyterHub remembers
    # freshness per user, so with any other value a request of a running server would give a closed
    # account access to the hub's pages for that time.
    own.auth_refresh_age = -1
    own.refresh_pre_spawn = True
    # Tokens of a closed account are refused, too, except those of a running server (`closed.py`).
    own.auth_refresh_strict = True


def _provider(c: Any, settings: Settings, oidc: Oidc, runtime: Runtime) -> None:
    from km3hub.login.oidc import OidcAuthenticator
    from km3settings.secret import copied_secret, secret_file

    state = runtime.state
    c.JupyterHub.authenticator_class = OidcAuthenticator
    # The tokens in the database are encrypted with this key.
    c.CryptKeeper.keys = [state.secret("crypt")]
    own = c.OidcAuthenticator
    own.oidc = oidc
    own.state_folder = str(state.root)
    own.trusted_proxies = list(settings.login.trusted_proxies)
    own.contact = settings.site.contact
    own.login_service = oidc.title
    own.client_id = oidc.client_id
    own.secret_files = [
        str(secret_file(oidc, runtime.settings_file)),
        str(copied_secret(state)),
    ]
    own.basic_auth = oidc.client_authentication == "basic"
    own.enable_pkce = True
    own.scope = list(oidc.asked)
    own.http_request_kwargs = {"connect_timeout": _CONNECT, "request_timeout": _ANSWER}
    if settings.site.public_url:
        own.oauth_callback_url = f"{settings.site.public_url}/hub/oauth_callback"
    own.allow_all = oidc.allow_all
    own.manage_groups = True
    own.allowed_groups = set(oidc.allowed_groups)
    own.admin_groups = set(oidc.admin_groups)
    own.enable_auth_state = True
    own.refresh_seconds = _REFRESH_SECONDS
    # Always stale, as with accounts; the Authenticator remembers when it asked the provider.
    own.auth_refresh_age = -1
    own.refresh_pre_spawn = True
    # Tokens of users without access are refused, too, except those of a running server.
    own.auth_refresh_strict = True
    own.check_account = oidc.check_account
    if oidc.check_account:
        _checks(c, state, oidc.check_account)


def _checks(c: Any, state: State, name: str) -> None:
    """Let the site's own checks, which cannot log in, start the server of one account."""
    service = {"name": "verify", "api_token": state.secret("verify"), "display": False}
    extend(c.JupyterHub, "services", [service])
    scopes = ("admin:users", "servers", "access:servers")
    role = {
        "name": "verify",
        "description": "Checks that a server can be started and used",
        "scopes": [f"{scope}!user={name}" for scope in scopes],
        "services": ["verify"],
    }
    extend(c.JupyterHub, "load_roles", [role])
