"""Which addresses of the internet are public.

Python's `ipaddress.is_global` is not used on its own. It calls addresses global that lead to an
IPv4 host chosen by the person who wrote them (NAT64, 6to4), and its answers differ between versions
of Python.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

# https://www.iana.org/assignments/iana-ipv4-special-registry, and multicast (RFC 5771).
_NOT_PUBLIC_4 = {
    "this network": ("0.0.0.0/8",),
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
    "shared by customers of a provider (CGNAT)": ("100.64.0.0/10",),
    "loopback": ("127.0.0.0/8",),
    "link-local": ("169.254.0.0/16",),
    "reserved for protocols": ("192.0.0.0/24", "192.31.196.0/24", "192.52.193.0/24"),
    "reserved for relays": ("192.88.99.0/24", "192.175.48.0/24"),
    "reserved for documentation": ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"),
    "reserved for benchmarks": ("198.18.0.0/15",),
    "multicast": ("224.0.0.0/4",),
    "reserved": ("240.0.0.0/4",),
}
# https://www.iana.org/assignments/iana-ipv6-special-registry. The first that contains an address
# gives the reason.
_NOT_PUBLIC_6 = {
    "unspecified": ("::/128",),
    "loopback": ("::1/128",),
    "an IPv4 address in IPv6 form": ("::ffff:0:0/96", "::ffff:0:0:0/96", "::/96"),
    "a translation to IPv4 (NAT64)": ("64:ff9b::/96", "64:ff9b:1::/48"),
    "discarded": ("100::/64", "100:0:0:1::/64"),
    "a tunnel to IPv4 (Teredo)": ("2001::/32",),
    "reserved for protocols": ("2001::/23", "2620:4f:8000::/48"),
    "reserved for documentation": ("2001:db8::/32", "3fff::/20"),
    "a tunnel to IPv4 (6to4)": ("2002::/16",),
    "segment routing": ("5f00::/16",),
    "private": ("fc00::/7",),
    "link-local": ("fe80::/10",),
    "site-local": ("fec0::/10",),
    "multicast": ("ff00::/8",),
}
_GLOBAL_UNICAST = ip_network("2000::/3")


def _networks(table: dict[str, tuple[str, ...]]) -> list[tuple[Network, str]]:
    return [(ip_network(text), reason) for reason, texts in table.items() for text in texts]


_REASONS = {4: _networks(_NOT_PUBLIC_4), 6: _networks(_NOT_PUBLIC_6)}


def why_not_public(address: str, refused: Iterable[Network] = ()) -> str | None:
    """Returns why an address is not public, or None for a public one.

    Parameters
    ----------
    address : str
        IPv4 or IPv6, possibly with a zone (``fe80::1%eth0``).
    refused : iterable of network
        Further networks that are not public, for example a site's own NAT64 prefix (RFC 6052) or
        its public but internal ranges.
    """
    ip: IPv4Address | IPv6Address
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return "not an address"
    if any(ip in network for network in refused):
        return "refused by this service"
    for network, reason in _REASONS[ip.version]:
        if ip in network:
            return reason
    if ip.version == 6 and ip not in _GLOBAL_UNICAST:
        return "not assigned"
    return None
