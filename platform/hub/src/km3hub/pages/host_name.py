"""Which host names are those of users' servers, for a web server that obtains certificates."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from jupyterhub import orm
from jupyterhub.handlers.pages import HealthCheckHandler

from km3hub.login.address import client_address, is_loopback
from km3settings.origins import CHECK_LABEL, host_label

__all__ = ["HostNameHandler"]


class HostNameHandler(HealthCheckHandler):
    """`GET /hub/host-name?domain=NAME`: 200 for the host name of a user's server, otherwise 404.

    Caddy asks before it obtains a certificate; without that, anybody could have it ask the ACME
    service for any number of names. Only the web server itself gets an answer, because the names of
    users are not public.
    """

    def initialize(self, trusted_proxies: Collection[str]) -> None:
        """Keep the addresses of the site's web servers."""
        self._proxies = trusted_proxies

    async def prepare(self) -> None:
        """Skip authentication: the web server has no account."""

    def get(self) -> None:
        """Answer without a body."""
        domain = self.get_argument("domain", "").lower().rstrip(".")
        known = self._is_from_web_server() and self._is_known(domain)
        self.set_status(200 if known else 404)

    head = get

    def _is_from_web_server(self) -> bool:
        # The web server's own requests pass only our proxy; those that it forwards name a client.
        passed = ",".join(self.request.headers.get_list("X-Forwarded-For")).split(",")
        client = client_address(self.request, self._proxies)
        return len(passed) == 1 and (is_loopback(client) or client in self._proxies)

    def _is_known(self, domain: str) -> bool:
        label, _, hub = domain.partition(".")
        if not label or hub != urlsplit(self.subdomain_host).hostname:
            return False
        if label == CHECK_LABEL or orm.User.find(self.db, label) is not None:
            return host_label(label) == label or label == CHECK_LABEL
        names = self.db.query(orm.User.name) if label.startswith("u-") else ()
        return any(host_label(name) == label for (name,) in names)
