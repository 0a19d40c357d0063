"""What platform.yaml allows: environments, sizes, limits, addresses."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import cached_property

from km3broker.refusal import Refusal
from km3settings.amounts import in_bytes
from km3settings.members import members
from km3settings.menu import Environment, Size
from km3settings.names import Names
from km3settings.portal import ALIAS
from km3settings.settings import Settings

__all__ = ["Rules"]

#: Addresses of one user's network, as the hub divides the pool.
_ADDRESSES = 8


@dataclass(frozen=True)
class Rules:
    """The parts of the settings that decide which requests are allowed."""

    settings: Settings
    names: Names

    @cached_property
    def images(self) -> frozenset[str]:
        """The images of the environments."""
        return frozenset(environment.image for environment in self.settings.environments)

    @cached_property
    def members(self) -> dict[str, str]:
        """The containers that join users' networks, and their names there."""
        services = members(self.settings, self.names)
        found = {name: ALIAS if name == self.names.opendata else name for name in services}
        return {self.names.net: "hub", **found}

    def environment(self, image: str, name: str) -> Environment:
        """Returns the environment with this image and name.

        Raises
        ------
        Refusal
            If platform.yaml has none.
        """
        for environment in self.settings.environments:
            if (environment.image, environment.name) == (image, name):
                return environment
        raise Refusal("the image and the host name are not those of an environment")

    def size(self, memory: object, cpu: object, per_core: int) -> Size:
        """Returns the size with these limits.

        Parameters
        ----------
        memory
            Bytes.
        cpu
            Processor time, in the unit of which `per_core` are one core.
        per_core
            100,000 for a quota of Docker, 10^9 in a swarm.

        Raises
        ------
        Refusal
            If platform.yaml has none.
        """
        for size in self.settings.sizes:
            if type(memory) is type(cpu) is int and (memory, cpu) == (
                in_bytes(size.memory),
                int(size.cpu * per_core),
            ):
                return size
        raise Refusal("the limits on memory and processor are not those of a size")

    def shared_folder(self, volume: str) -> str:
        """Returns the shared folder with this volume.

        Raises
        ------
        Refusal
            If platform.yaml has none.
        """
        for folder in self.settings.homes.shared:
            if volume == self.names.shared(folder):
                return folder
        raise Refusal("HostConfig.Binds has a volume that is not a shared folder of platform.yaml")

    def subnet(self, bridge: str) -> str:
        """Returns the addresses of the network with this bridge.

        Raises
        ------
        Refusal
            If the packet filter would not know the bridge, or the pool has no such place.
        """
        start, place = self.names.user_bridges, bridge.removeprefix(self.names.user_bridges)
        pool = ipaddress.IPv4Network(self.settings.spawner.network_pool)
        digits = place.isascii() and place.isdigit() and len(place) <= 8
        if not bridge.startswith(start) or not digits or str(int(place)) != place:
            raise Refusal("the bridge's name is not one that the packet filter knows")
        if int(place) >= pool.num_addresses // _ADDRESSES:
            raise Refusal("the bridge's number is outside spawner.network_pool")
        return str(ipaddress.IPv4Network((int(pool[int(place) * _ADDRESSES]), 29)))
