"""Exceptions to what users' servers reach: private networks to open, public ones to close."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, field_validator

from km3settings.section import Section

__all__ = ["Network", "Opening", "as_variable"]

_Parsed = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Never opened: these are addresses of the machine itself, or lead to a cloud's metadata service.
_NEVER = [
    ipaddress.ip_network(text)
    for text in ("127.0.0.0/8", "::1/128", "169.254.0.0/16", "fe80::/10", "224.0.0.0/4", "ff00::/8")
]
_EXAMPLE = "write a network or an address, e.g. 10.20.0.0/16, 10.20.0.7 or fd00:20::/32"


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        pass
    try:
        whole = ipaddress.ip_interface(text).network
    except ValueError:
        raise ValueError(_EXAMPLE) from None
    raise ValueError(f"is an address inside a network; write the network {whole}")


def _port_range(text: str) -> str:
    first, dash, last = text.partition("-")
    numbers = [int(part) for part in (first, last) if part.isascii() and part.isdigit()]
    if len(numbers) != 1 + len(dash) or not all(0 < number < 65536 for number in numbers):
        raise ValueError("write a port from 1 to 65535 or a range of ports, e.g. 1094-1095")
    if numbers != sorted(numbers):
        raise ValueError("write the lower port of the range first, e.g. 1094-1095")
    return "-".join(map(str, dict.fromkeys(numbers)))


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


#: An IPv4 or IPv6 network; an address counts as a network of one.
Network = Annotated[str, AfterValidator(_network)]
_Ports = Annotated[
    str,
    BeforeValidator(_as_text),
    AfterValidator(_port_range),
    WithJsonSchema({"type": ["integer", "string"], "examples": [443, "1094-1095"]}),
]


class Opening(Section):
    """A private network that users' servers may reach."""

    network: Network = Field(examples=["10.20.0.0/16"])
    """The network or address."""
    ports: tuple[_Ports, ...] = ()
    """TCP and UDP ports, or ranges such as `1094-1095`; empty: everything."""

    @field_validator("network")
    @classmethod
    def _may_be_opened(cls, text: str) -> str:
        network = ipaddress.ip_network(text)
        for other in _NEVER:
            if _overlap(network, other):
                raise ValueError(
                    f"contains addresses of {other}, which always stay closed; name only the"
                    " networks that users need"
                )
        return text


def _overlap(one: _Parsed, other: _Parsed) -> bool:
    return one.version == other.version and one.overlaps(other)


def as_variable(openings: Iterable[Opening]) -> str:
    """Returns openings as the packet filter reads them: `NETWORK=PORT+FIRST-LAST,NETWORK`."""
    return ",".join(
        opening.network + ("=" if opening.ports else "") + "+".join(opening.ports)
        for opening in openings
    )
