"""The client address of a request."""

from __future__ import annotations

from collections.abc import Collection

from tornado.httputil import HTTPServerRequest

__all__ = ["client_address"]

_LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1")


def client_address(request: HTTPServerRequest, trusted_proxies: Collection[str] = ()) -> str:
    """Returns the client's address, as far as it can be trusted.

    `request.remote_ip` believes the header X-Real-Ip, which any client may send and our proxy
    passes on: with it each attempt to log in could seem to come from another place. Here only what
    our proxy appended to X-Forwarded-For counts, and only where the connection is the proxy's (it
    shares the hub's loopback interface in both modes); then what `trusted_proxies` appended.

    Parameters
    ----------
    request
        The request.
    trusted_proxies
        Addresses of further proxies in front of ours.
    """
    context = getattr(request.connection, "context", None)
    peer = getattr(context, "address", None)
    # A Unix socket has no address; its clients are local, like those of loopback.
    address = peer[0] if isinstance(peer, tuple) else _LOOPBACK[0]
    forwarded = ",".join(request.headers.get_list("X-Forwarded-For")).split(",")
    hops = [hop.strip() for hop in forwarded if hop.strip()]
    if hops and (address in _LOOPBACK or address in trusted_proxies):
        address = hops.pop()
        while hops and address.removeprefix("::ffff:") in trusted_proxies:
            address = hops.pop()
    # Limited in length, because it is a key of the throttle and appears in the log.
    return address[:64]
