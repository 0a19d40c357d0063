"""A container, volume and network of somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import docker

#: Files and variables with this are what an attacker must not see.
SECRET = "secret-of-the-victim"


@contextmanager
def victim(name: str) -> Iterator[str]:
    """A container, volume and network of somebody else on this engine."""
    engine = docker.from_env()
    remove_all(name)
    engine.volumes.create(name)
    engine.networks.create(name)
    engine.containers.run(
        "km3net/proxy",
        ["sleep", "infinity"],
        name=name,
        detach=True,
        network=name,
        environment={"PASSWORD": SECRET},
        volumes={name: {"bind": "/data"}},
    )
    try:
        yield name
    finally:
        remove_all(name)


def remove_all(name: str) -> None:
    """Remove what a test left, by its name."""
    engine = docker.from_env()
    for container in engine.containers.list(all=True, filters={"name": f"^/{name}$"}):
        container.remove(force=True, v=True)
    for network in engine.networks.list(names=[name]):
        if network.name == name:
            network.remove()
    for volume in engine.volumes.list(filters={"name": name}):
        if volume.name == name:
            volume.remove()
    for image in engine.images.list(name):
        engine.images.remove(image.id, force=True) if len(image.tags) == 1 else [
            engine.images.remove(tag) for tag in image.tags if tag.startswith(f"{name}:")
        ]
