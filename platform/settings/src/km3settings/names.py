"""The names of everything that the platform creates in Docker, derived from the project's name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

__all__ = ["OVERLAY_OPTIONS", "PROJECT_LABEL", "SHARED_LABEL", "USER_LABEL", "Names"]

#: Label of every container, network and volume of the platform: its project.
PROJECT_LABEL = "org.km3net.project"
#: Label of those that belong to one user: the user's name.
USER_LABEL = "org.km3net.user"
#: Label of a volume that groups share: the folder's name in platform.yaml.
SHARED_LABEL = "org.km3net.shared"
#: Options of users' networks in a swarm: with VXLAN's header (50 bytes) their packets fit into
#: those of WireGuard (1420 bytes), which carries them between machines.
OVERLAY_OPTIONS = {"com.docker.network.driver.mtu": "1370"}


@dataclass(frozen=True)
class Names:
    """The names of one platform; two projects on one machine share none of them."""

    project: str

    @property
    def net(self) -> str:
        """The container whose network namespace hub and proxy share."""
        return f"{self.project}-net"

    @property
    def hub(self) -> str:
        """The container of the hub."""
        return f"{self.project}-hub"

    @property
    def proxy(self) -> str:
        """The container of the proxy."""
        return f"{self.project}-proxy"

    @property
    def keeper(self) -> str:
        """The container that repairs networks after the engine restarted something."""
        return f"{self.project}-keeper"

    @property
    def broker(self) -> str:
        """The container that passes the hub's requests on to the engine; the socket's volume."""
        return f"{self.project}-broker"

    @property
    def firewall(self) -> str:
        """The container that keeps the packet filter in place."""
        return f"{self.project}-firewall"

    @property
    def filters(self) -> str:
        """The service of the swarm that keeps the packet filter in place on every machine."""
        return f"{self.project}-filter"

    @property
    def opendata(self) -> str:
        """The container of the Open Data Center, and its volume."""
        return f"{self.project}-opendata"

    @property
    def state(self) -> str:
        """The volume with accounts, database and secrets."""
        return f"{self.project}-state"

    def server(self, escaped_user: str) -> str:
        """A user's container, and the user's network."""
        return f"{self.project}-user-{escaped_user}"

    def home(self, escaped_user: str) -> str:
        """The volume with a user's files."""
        return f"{self.project}-home-{escaped_user}"

    def scratch(self, escaped_user: str) -> str:
        """The volume with a user's scratch folder."""
        return f"{self.project}-scratch-{escaped_user}"

    def shared(self, folder: str) -> str:
        """The volume with a folder that groups share."""
        return f"{self.project}-shared-{folder}"

    @property
    def homes(self) -> str:
        """The container that enforces the limits of homes, and the volume with its socket."""
        return f"{self.project}-homes"

    @property
    def bridges(self) -> str:
        """First 7 characters of the host's bridges; the kernel allows 15 in all.

        `…c` is the control network, `…d` the portal's, `…u<number>` are the users'; the packet
        filter knows them by these names.
        """
        return "k" + hashlib.sha256(self.project.encode()).hexdigest()[:6]

    @property
    def user_bridges(self) -> str:
        """The prefix of the names of users' bridges."""
        return f"{self.bridges}u"

    @property
    def egress_bridge(self) -> str:
        """The bridge by which users' servers leave their machine, in a swarm.

        It is named like users' bridges, so that the packet filter applies to it.
        """
        return f"{self.user_bridges}g"
