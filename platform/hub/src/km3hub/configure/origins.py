"""Keeping users' servers apart from the hub's pages: host names, cookies, restrictions.

With host names of their own (`site.user_origins`), browsers do it. Without, the proxy keeps other
people's browsers away from a server, and the hub restricts what a browser can do without entering a
password. The proxy's part is `images/proxy/origins.mjs`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from km3hub.configure.extending import extend
from km3settings.origins import Origins, host_label

__all__ = ["configure_origins"]


def configure_origins(c: Any, origins: Origins) -> None:
    """Set host names and cookies, and what is restricted where there is only one host name."""
    # Imported here, because this changes classes of JupyterHub.
    from km3hub.origins.cookies import COOKIE_OPTIONS, keep_session_at_hub
    from km3hub.origins.logout import ask_before_logout
    from km3hub.pages.host_name import HostNameHandler

    hub = c.JupyterHub
    public = urlsplit(origins.settings.site.public_url or origins.hub)
    if origins.own:
        hub.subdomain_host = origins.hub
        hub.subdomain_hook = _host_name
        proxies = {"trusted_proxies": origins.settings.login.trusted_proxies}
        extend(hub, "extra_handlers", [(r"/host-name", HostNameHandler, proxies)])
    if origins.own or origins.settings.site.public_url:
        hub.public_url = f"{origins.hub}{public.path}/"
    hub.cookie_host_prefix_enabled = origins.host_cookies
    settings: dict[str, Any] = {
        "cookie_options": dict(COOKIE_OPTIONS),
        "xsrf_cookie_kwargs": {**COOKIE_OPTIONS, "secure": public.scheme == "https"},
    }
    keep_session_at_hub(host_prefix=origins.host_cookies)
    ask_before_logout()
    if not origins.own:
        _restrict(c, origins, settings)
    hub.tornado_settings = settings


def _restrict(c: Any, origins: Origins, settings: dict[str, Any]) -> None:
    from km3hub.origins.admins import close_servers_to_admins
    from km3hub.origins.fresh import demand_fresh_logins
    from km3hub.origins.owner import EnterHandler, owner_key

    runtime = origins.runtime
    key = owner_key(runtime.proxy_token or runtime.state.secret("proxy"))
    extend(c.JupyterHub, "extra_handlers", [(r"/enter", EnterHandler, {"key": key})])
    close_servers_to_admins()
    demand_fresh_logins(settings)


def _host_name(name: str, domain: str, kind: str) -> str:
    """Returns the host name of a user's server, or of a service."""
    suffix = "" if kind == "user" else f"--{kind}"
    return f"{host_label(name)}{suffix}.{domain}"
