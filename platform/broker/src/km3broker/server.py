"""The container of a user's server: the only one that the hub may create.

Its body is built here, from the settings and from four things that the request may choose: the
user, the environment, the size and the variables. A request that differs from it in anything is
refused, and what goes to the engine is this body, never the client's.

A change of what users' servers get (`km3hub.spawning.docker`) has to be made here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from km3broker.allowed import entry, require_allowed, text
from km3broker.owner import Owner
from km3broker.refusal import Refusal
from km3broker.rules import Rules
from km3settings.amounts import in_bytes

__all__ = ["HOME", "NOFILE", "OWNER", "SCRATCH", "SHARED", "Server", "require_variables"]

#: The folders in users' containers, the owner of homes, and open files per process.
HOME, SCRATCH, SHARED = "/home/km3", "/scratch", "/shared"
OWNER = "1000:1000"
NOFILE = {"Name": "nofile", "Soft": 16384, "Hard": 16384}
_PERIOD = 100_000
#: The kernel accepts no longer variable.
_MAX_VARIABLE = 128 * 1024
_MAX_VARIABLES = 500


@dataclass(frozen=True)
class Server:
    """A container that may be created, with the image and the home that it needs."""

    image: str
    volumes: tuple[str, ...]
    """The home and, where there is one, the scratch folder."""
    shared: tuple[str, ...]
    """The volumes of shared folders. Whether the user is a member is known to the hub only."""
    body: dict[str, Any]

    @classmethod
    def of(cls, body: Mapping[str, Any], owner: Owner, rules: Rules) -> Server:
        """Returns the server that a request describes.

        Parameters
        ----------
        body
            What the client sent.
        owner
            The user of its labels.
        rules
            The settings.

        Raises
        ------
        Refusal
            Names the first key that is not allowed.
        """
        host = entry(body, "HostConfig")
        home = bound_home(host, owner)
        folders = {home: HOME}
        # Only a hub with the service for homes mounts it.
        if rules.settings.homes.scratch.size and len(host["Binds"]) > 1:
            folders[owner.scratch_of(home)] = SCRATCH
        own = tuple(folders)
        for bind in host["Binds"][len(own) :]:
            volume = text(bind).partition(":")[0]
            folders[volume] = f"{SHARED}/{rules.shared_folder(volume)}"
        image, hostname = text(body.get("Image")), text(body.get("Hostname"))
        rules.environment(image, hostname)
        size = rules.size(host.get("Memory"), host.get("CpuQuota"), _PERIOD)
        memory = in_bytes(size.memory)
        variables = require_variables(body.get("Env"))
        allowed = {
            "Image": image,
            "Hostname": hostname,
            "User": OWNER,
            "Env": variables,
            "Labels": owner.labels,
            "ExposedPorts": {"8888/tcp": None},
            "Volumes": {folder: {} for folder in folders.values()},
            "AttachStdout": True,
            "AttachStderr": True,
            "Healthcheck": {"Test": ["NONE"]},
            "HostConfig": {
                "Binds": [f"{name}:{folder}:rw" for name, folder in folders.items()],
                "NetworkMode": owner.server,
                "Memory": memory,
                "MemorySwap": memory,
                "CpuPeriod": _PERIOD,
                "CpuQuota": int(size.cpu * _PERIOD),
                "PidsLimit": rules.settings.spawner.pids,
                "CapDrop": ["ALL"],
                "SecurityOpt": ["no-new-privileges"],
                "ReadonlyRootfs": True,
                "Tmpfs": {
                    "/tmp": f"rw,exec,nosuid,nodev,mode=1777,size={memory // 2}",  # noqa: S108
                    "/var/tmp": "rw,noexec,nosuid,nodev,mode=1777,size=64m",  # noqa: S108
                    "/run": "rw,noexec,nosuid,nodev,mode=1777,size=16m",
                },
                "ShmSize": 256 * 1024**2,
                "Ulimits": [NOFILE],
                "LogConfig": {
                    "Type": "json-file",
                    "Config": {"max-size": "5m", "max-file": "2"},
                },
            },
        }
        require_allowed(allowed, body)
        return cls(image, own, tuple(folders)[len(own) :], allowed)

    def with_image(self, digest: str) -> dict[str, Any]:
        """Returns the body with the image's digest: a name may point to another image meanwhile."""
        return self.body | {"Image": digest}


def bound_home(host: Mapping[str, Any], owner: Owner) -> str:
    """Returns the name of the home that a container is to have.

    Raises
    ------
    Refusal
        If it is not a home of this user.
    """
    binds = host.get("Binds")
    name = text(binds[0]).partition(":")[0] if isinstance(binds, list) and binds else ""
    if not owner.has_home(name):
        raise Refusal("HostConfig.Binds is not the user's home")
    return name


def require_variables(found: object) -> list[str]:
    """Returns a server's environment variables, which the hub may choose.

    They have no effect outside the container. The refusal does not contain them: some are secrets.

    Raises
    ------
    Refusal
        If they are not texts `NAME=VALUE`, or too many or too long.
    """
    if not isinstance(found, list) or len(found) > _MAX_VARIABLES:
        raise Refusal("Env must be a list of at most 500 variables")
    for variable in found:
        if not isinstance(variable, str) or "=" not in variable[1:]:
            raise Refusal("Env must consist of NAME=VALUE")
        if len(variable) > _MAX_VARIABLE:
            raise Refusal("a variable in Env is too long")
    return found
