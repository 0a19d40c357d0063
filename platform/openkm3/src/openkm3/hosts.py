"""Which hosts a catalogue may lead to.

A catalogue and the answers of its server come from outside. Without this rule, a server could make
the user's computer send requests to any host that the computer reaches, such as one of the site's
own network.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from .errors import HostNotAllowed

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Hosts:
    """The hosts that requests may be sent to.

    Parameters
    ----------
    server : str
        The server's address. Its own host and port are allowed, and HTTPS instead of HTTP there.
    listed : tuple of str
        Further hosts, each ``NAME`` (the usual ports of HTTP and HTTPS) or ``NAME:PORT``.
    """

    server: str
    listed: tuple[str, ...] = ()

    def check(self, url: str, what: str) -> None:
        """Refuse an address on another host.

        Parameters
        ----------
        url : str
        what : str
            What names the address, as the start of a sentence.

        Raises
        ------
        HostNotAllowed
        """
        place = _place(url)
        if place is None:
            raise HostNotAllowed(f"{what} {url[:200]!r}, which is not a web address")
        scheme, host, port = place
        own = _place(self.server)
        upgraded = (
            own is not None
            and own[:2] == ("http", host)
            and (scheme, port, own[2]) == ("https", 443, 80)
        )
        if own == place or upgraded or self._is_listed(host, port):
            return
        shown = host if port in _PORTS.values() else f"{host}:{port}"
        raise HostNotAllowed(
            f"{what} {url[:200]!r}, which is not on the server {self.server}. If you trust "
            f"{shown}, allow it: OPENKM3_HOSTS={shown}, the argument hosts=[{shown!r}], or "
            f"--allow-host {shown}"
        )

    def _is_listed(self, host: str, port: int) -> bool:
        for text in self.listed:
            parts = urlsplit(f"//{text}")
            ports = _PORTS.values() if parts.port is None else (parts.port,)
            if (parts.hostname or "") == host and port in ports:
                return True
        return False


def is_host(text: str) -> bool:
    """Return whether a text is ``NAME`` or ``NAME:PORT``."""
    try:
        parts = urlsplit(f"//{text}")
        _ = parts.port
    except ValueError:
        return False
    extra = parts.path or parts.query or parts.fragment or parts.username is not None
    return bool(parts.hostname) and not extra and not any(c.isspace() for c in text)


def _place(url: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port of a web address, None for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return parts.scheme, parts.hostname.lower(), port or _PORTS[parts.scheme]
