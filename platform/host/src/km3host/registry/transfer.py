"""Pushing images to the registry and pulling them from it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from km3host.programs import docker, run
from km3host.registry.distribution import Registry
from km3host.registry.session import RegistryError, Session
from km3host.registry.signature import verify

__all__ = ["Image", "pull", "push"]


@dataclass(frozen=True)
class Image:
    """An image and the registry that carries it."""

    #: Address and port of the registry.
    address: str
    #: Name and tag on the hub's machine.
    name: str
    #: The recorded identifier, `sha256:...`.
    id: str
    password: str = field(repr=False)

    @property
    def repository(self) -> str:
        """The image's name in the registry, without a tag."""
        return f"{self.address}/{self.plain_name}"

    @property
    def registry(self) -> Registry:
        """The registry's own interface."""
        return Registry(self.address, self.password)

    @property
    def plain_name(self) -> str:
        """The image's name without registry and tag."""
        return self.name.partition(":")[0]

    @property
    def target(self) -> str:
        """The image's name in the registry, with its tag."""
        return f"{self.address}/{self.name}"


@dataclass(frozen=True)
class _Present:
    """An image of this machine's engine."""

    id: str
    digests: tuple[str, ...]

    def digest_in(self, repository: str) -> str | None:
        """Return the digest that the image has in a registry, if the engine knows it."""
        for name in self.digests:
            where, _, digest = name.partition("@")
            if where == repository:
                return digest
        return None


def _find(reference: str) -> _Present | None:
    done = run("docker", "image", "inspect", reference)
    if done.returncode:
        return None
    described = json.loads(done.stdout)[0]
    return _Present(described["Id"], tuple(described.get("RepoDigests") or ()))


def _require(reference: str, identifier: str) -> _Present:
    present = _find(reference)
    if present is None:
        raise RegistryError(f"the image {reference} is not on this machine: run the playbook site")
    if present.id != identifier:
        raise RegistryError(
            f"{reference} is {present.id}, not the recorded {identifier}: another image has taken"
            f" its name. Run: docker image rm {reference}, then the playbook site"
        )
    return present


def push(image: Image) -> tuple[str, str]:
    """Push an image of this machine, unless the registry has it.

    Returns
    -------
    tuple of str
        `there` or `pushed`, and the digest in the registry.

    Raises
    ------
    RegistryError
        If the image is missing, is not the recorded one, or cannot be pushed.
    """
    digest = _require(image.name, image.id).digest_in(image.repository)
    with Session(image.address, image.password) as session:
        if digest and session.has(f"{image.repository}@{digest}"):
            return "there", digest
        docker("tag", image.id, image.target)
        session.run("push", "--quiet", image.target)
    digest = _require(image.target, image.id).digest_in(image.repository)
    if not digest:
        raise RegistryError(
            f"{image.target} was pushed, but the engine has no digest for it: docker image inspect"
            f" {image.target}"
        )
    return "pushed", digest


def pull(image: Image, digest: str, key: Path | None = None) -> tuple[str, str]:
    """Pull an image by its digest, unless this machine has it.

    Parameters
    ----------
    image
        The image.
    digest
        The digest of its manifest.
    key
        The public key that must have signed it; None: it need not be signed.

    Returns
    -------
    tuple of str
        `there` or `pulled`, and the digest.

    Raises
    ------
    RegistryError
        If the image cannot be pulled, is not signed with the key, or is not the recorded one.
    """
    if key:
        verify(image.registry, image.plain_name, digest, key)
    reference = f"{image.repository}@{digest}"
    done = "there"
    if _find(reference) is None:
        with Session(image.address, image.password) as session:
            session.run("pull", "--quiet", reference)
        done = "pulled"
    _require(reference, image.id)
    # An image with a name is kept when unused images are removed.
    docker("tag", reference, image.target)
    return done, digest
