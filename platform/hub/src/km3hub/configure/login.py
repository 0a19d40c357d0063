"""Who may log in, and the cookies that remember it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from km3hub.configure.extending import extend
from km3settings.provider import Oidc
from km3settings.runtime import Runtime
from km3settings.settings import Settings
from km3settings.state import State

__all__ = ["configure_login"]

#: Days after which everybody must log in again.
_COOKIE_DAYS = 7
#: Seconds of activity after which the provider is asked again for somebody's groups.
_LOOK_AGAIN = 300
#: Seconds for a connection to the provider, and for an answer.
_CONNECT, _ANSWER = 5, 15


def configure_login(c: Any, settings: Settings, runtime: Runtime) -> None:
    """Set the Authenticator, who is allowed, and the cookies."""
    oidc = settings.login.oidc
    if settings.login.method == "oidc" and oidc is not None:
        _provider(c, settings, oidc, runtime)
    else:
        _accounts(c, settings, runtime.state)
    _cookies(c, settings)


# Either Authenticator is imported where it is used: the other one's libraries cost a start time
# and memory.


def _accounts(c: Any, settings: Settings, state: State) -> None:
    from km3hub.login.authenticator import AccountsAuthenticator

    c.JupyterHub.authenticator_class = AccountsAuthenticator
    own = c.AccountsAuthenticator
    own.accounts_file = str(state.accounts)
    own.attempts = settings.login.attempts
    own.pause_seconds = settings.login.pause_seconds
    own.trusted_proxies = list(settings.login.trusted_proxies)
    own.contact = settings.site.contact
    # The file of accounts is the list of those who may come in, and says what groups they are in.
    own.allow_all = True
    own.manage_groups = True
    # Always stale: each request looks at the file, which costs a `stat`. JupyterHub remembers
    # freshness by user, so that with any age a running server's request would open the hub's pages
    # to a closed account for that long.
    own.auth_refresh_age = -1
    own.refresh_pre_spawn = True
    # Tokens of a closed account are refused too, but for those of a server that runs (see there).
    own.auth_refresh_strict = True


def _provider(c: Any, settings: Settings, oidc: Oidc, runtime: Runtime) -> None:
    from km3hub.login.oidc import OidcAuthenticator
    from km3settings.secret import copied_secret, secret_file

    state = runtime.state
    c.JupyterHub.authenticator_class = OidcAuthenticator
    # The tokens in the database are of use only with this key.
    c.CryptKeeper.keys = [state.secret("crypt")]
    own = c.OidcAuthenticator
    own.oidc = oidc
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
    own.look_again = _LOOK_AGAIN
    # Always stale, for the same reason as with accounts; the Authenticator itself remembers when
    # it asked the provider.
    own.auth_refresh_age = -1
    own.refresh_pre_spawn = True
    # Tokens of who may not come in are refused too, but for those of a server that runs.
    own.auth_refresh_strict = True
    own.check_account = oidc.check_account
    if oidc.check_account:
        _checks(c, state, oidc.check_account)


def _checks(c: Any, state: State, name: str) -> None:
    """Let the site itself, which has no login at the provider, start the server of one account."""
    service = {"name": "verify", "api_token": state.secret("verify"), "display": False}
    extend(c.JupyterHub, "services", [service])
    scopes = ("admin:users", "servers", "access:servers")
    role = {
        "name": "verify",
        "description": "Looks whether a server can be started and used",
        "scopes": [f"{scope}!user={name}" for scope in scopes],
        "services": ["verify"],
    }
    extend(c.JupyterHub, "load_roles", [role])


def _cookies(c: Any, settings: Settings) -> None:
    c.JupyterHub.cookie_max_age_days = _COOKIE_DAYS
    # `__Host-` cookies need https: browsers drop them elsewhere. They are for a whole host, which
    # is not the platform's alone where it has a path: others there may have a JupyterHub, too.
    address = urlsplit(settings.site.public_url or "")
    c.JupyterHub.cookie_host_prefix_enabled = address.scheme == "https" and not address.path
