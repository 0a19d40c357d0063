"""The Docker Engine of this machine, and a project's volumes and networks."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

import docker
from docker.errors import APIError, DockerException, NotFound

from km3settings.names import PROJECT_LABEL, USER_LABEL
from km3up.failure import Failure

__all__ = [
    "delete_volumes",
    "engine",
    "engine_socket",
    "remove_socket_volume",
    "remove_user_networks",
    "volumes",
]


def engine() -> docker.DockerClient:
    """The Docker Engine of this machine.

    Raises
    ------
    Failure
        If none answers.
    """
    try:
        return docker.DockerClient.from_env(version="auto")
    except DockerException as error:
        raise Failure(
            f"The Docker Engine does not answer ({error}). Start it (as root: make engine); if it"
            " is running, your account may have to be in the group docker. Without containers: make"
            " up MODE=embedded"
        ) from None


def engine_socket() -> Path:
    """The engine's socket, which the broker's container gets.

    Raises
    ------
    Failure
        If the engine is not reached by a socket.
    """
    where = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    path = Path(where.removeprefix("unix://"))
    if not where.startswith("unix://") or not path.exists():
        raise Failure(
            f"The broker needs the Docker Engine's socket on this machine; DOCKER_HOST is {where}."
        )
    return path


def volumes(project: str) -> list[str]:
    """The names of a project's volumes: its state and its users' homes."""
    label = f"{PROJECT_LABEL}={project}"
    return sorted(volume.name for volume in engine().volumes.list(filters={"label": label}))


def delete_volumes(names: Iterable[str]) -> None:
    """Delete volumes permanently."""
    client = engine()
    for name in names:
        client.volumes.get(name).remove()


def remove_socket_volume(client: docker.DockerClient, name: str) -> None:
    """Remove a volume that holds a service's socket only; no error where there is none."""
    with contextlib.suppress(NotFound):
        client.volumes.get(name).remove()


def remove_user_networks(client: docker.DockerClient, project: str) -> None:
    """Remove the networks of a project's users and disconnect their members."""
    label = [f"{PROJECT_LABEL}={project}", USER_LABEL]
    for network in client.api.networks(filters={"label": label}):
        with contextlib.suppress(NotFound):
            # The list does not contain the members.
            inside = client.api.inspect_network(network["Id"]).get("Containers") or {}
            for member in inside.values():
                with contextlib.suppress(APIError):  # it left by itself
                    client.api.disconnect_container_from_network(
                        member["Name"], network["Id"], force=True
                    )
            client.api.remove_network(network["Id"])
