"""Users' servers: how they start, when they stop, and their homes."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from km3settings.amounts import Memory, in_bytes
from km3settings.egress import Network, Opening
from km3settings.section import Section
from km3settings.shared import FolderName, SharedFolder

__all__ = ["Culling", "HomeBackend", "Homes", "Scratch", "Spawner"]

#: How the limit of a home is enforced; `auto`: the best way that the machine offers.
HomeBackend = Literal["auto", "xfs", "btrfs", "image", "none"]


class Scratch(Section):
    """A second folder per user, `~/scratch`, for files that can be made again (containers)."""

    size: Memory | None = None
    """How much it may contain; null: users get no scratch folder."""
    purge_days: int = Field(default=30, ge=0, le=3650)
    """Delete files that nobody used for this many days; 0: never."""


class Homes(Section):
    """Where people keep their files."""

    quota: Memory | None = None
    """How much a home may contain; the landing page shows how much is used."""
    group_quotas: dict[str, Memory] = Field(default_factory=dict)
    """Quotas of groups; a user's is the largest that applies."""
    backend: HomeBackend = "auto"
    """How the quota is enforced (containers): xfs, btrfs, image, or none: not at all."""
    scratch: Scratch = Scratch()
    """A second folder per user, for files that can be made again."""
    shared: dict[FolderName, SharedFolder] = Field(default_factory=dict, max_length=50)
    """Folders that the members of groups share, `~/shared/NAME` (containers)."""

    def limit(self, groups: Collection[str]) -> int | None:
        """Returns how many bytes the home of a user of these groups may contain; None: no limit."""
        if self.quota is None:
            return None
        given = [amount for group, amount in self.group_quotas.items() if group in groups]
        return max(in_bytes(amount) for amount in (self.quota, *given))

    @property
    def needs_service(self) -> bool:
        """Whether these settings need the service `homes`."""
        return self.quota is not None or self.scratch.size is not None or bool(self.shared)

    @model_validator(mode="after")
    def _groups_have_a_base(self) -> Self:
        if self.group_quotas and self.quota is None:
            raise ValueError("group_quotas needs quota, which applies to everybody else")
        return self


class Culling(Section):
    """Stopping idle servers. A server with a busy kernel is not idle."""

    idle_minutes: int = Field(default=60, ge=0)
    """Stop a server after this many minutes without activity; 0: never."""
    check_minutes: float = Field(default=5, gt=0, le=60)
    """Minutes between two checks."""
    max_age_hours: int = Field(default=0, ge=0)
    """Stop any server after this many hours, even a busy one; 0: never."""


#: RFC 1918, and shared address space (RFC 6598).
_PRIVATE = [
    ipaddress.IPv4Network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
]


class Spawner(Section):
    """How user servers are started."""

    kind: Literal["auto", "process", "docker", "swarm"] = "auto"
    """`auto`: containers where a Docker Engine answers, local processes otherwise. `swarm`:
    containers on several machines, which `deploy/` sets up and `make up` does not."""
    egress: Literal["internet", "none"] = "internet"
    """What user servers can reach (containers): the internet, or only the platform. Private
    networks, this machine and metadata services of clouds are closed in both cases."""
    egress_allow: tuple[Opening, ...] = ()
    """Private networks that user servers can reach nevertheless, with `egress: internet`."""
    egress_deny: tuple[Network, ...] = ()
    """Public networks that they cannot reach, for example the institute's own."""
    network_pool: str = "10.213.0.0/16"
    """Private addresses for users' networks, 8 per user."""
    start_timeout: int = Field(default=120, ge=10, le=1800)
    """Seconds that a server may take to start."""
    concurrent: int = Field(default=8, ge=1)
    """How many servers may be starting at the same time; others wait."""
    pids: int = Field(default=512, ge=64)
    """Limit on processes and threads of one user server."""

    @field_validator("network_pool")
    @classmethod
    def _pool_is_a_network(cls, pool: str) -> str:
        try:
            network = ipaddress.ip_network(pool)
        except ValueError:
            network = None
        if network is None or not any(
            isinstance(network, ipaddress.IPv4Network) and network.subnet_of(private)
            for private in _PRIVATE
        ):
            raise ValueError("write a private IPv4 network, e.g. 10.213.0.0/16")
        if network.prefixlen > 24:
            raise ValueError("is too small; 10.213.0.0/16 has room for 8192 users")
        return pool
