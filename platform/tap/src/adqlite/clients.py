"""Who sends requests, as far as fairness between clients needs to know."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network


def client_of(address: str, user: str = "") -> str:
    """Returns what requests of one client have in common.

    Parameters
    ----------
    address : str
        Of the connection. Behind a proxy it has to be the one that a trusted proxy reports; this
        function reads no header.
    user : str, optional
        Who is logged in; two users at one address are two clients.

    Returns
    -------
    str
        The user; otherwise the IPv4 address, or the first 64 bits of an IPv6 address, since
        providers give each customer at least that many.
    """
    if user:
        return f"user {user}"
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is None:
            return str(ip_network((ip, 64), strict=False))
        ip = ip.ipv4_mapped
    return str(ip)
