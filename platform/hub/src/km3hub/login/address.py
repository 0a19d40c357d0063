"""The client address of a request."""

from __future__ import annotations

from collections.abc import Collection

from tornado.httputil import HTTPServerRequest

__all__ = ["client_address", "hops_before", "is_loopback"]

_LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1")


def is_loopback(address: str) -> bool:
    """Returns whether an address is this machine's own."""
    return address in _LOOPBACK


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
    # Limited in length, because it is a key of the throttle and appears in the log.
    return _path(request, trusted_proxies)[-1][:64]


def hops_before(
    request: HTTPServerRequest, trusted_proxies: Collection[str] = ()
) -> tuple[str, ...]:
    """Returns the addresses that the client itself names, which cannot be trusted."""
    return tuple(hop[:64] for hop in _path(request, trusted_proxies)[:-1])


def _path(request: HTTPServerRequest, trusted_proxies: Collection[str]) -> list[str]:
    """Returns what the client names and, last, its address, as far as it can be trusted."""
    context = getattr(request.connection, "context", None)
    peer = getattr(context, "address", None)
    # A Unix socket has no address; its clients are local, like those of loopback.
    address = peer[0] if isinstance(peer, tuple) else _LOOPBACK[0]
    forwarded = ",".join(request.headers.get_list("X-Forwarded-For")).split(",")
    hops = [hop.strip() for hop in forwarded if hop.strip()]
    if not hops or not (address in _LOOPBACK or address in trusted_proxies):
        return [address]
    while len(hops) > 1 and hops[-1].removeprefix("::ffff:") in trusted_proxies:
        hops.pop()
    return hops
