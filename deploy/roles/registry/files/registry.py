#!/usr/bin/python3
"""km3net-registry push|pull ADDRESS NAME:TAG ID: images by way of the platform's registry.

push  give the registry this machine's image NAME:TAG, whose identifier must be ID
pull  get it; --digest says which one

The registry's password is read from a file: what Ansible gives to a command's input gets into the
journal. The last line that is printed says what was done, "there" or "pushed" or "pulled", and
the digest. Needs root; uses Python's standard library only.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ACCOUNT = "km3net"


class RegistryError(Exception):
    """It cannot be done; the message says why and what to do."""


def docker(*arguments, text=None, folder=None):
    """A docker command's result; `folder` has the registry's password."""
    environment = os.environ | ({"DOCKER_CONFIG": folder} if folder else {})
    return subprocess.run(
        ["docker", *arguments], input=text, capture_output=True, text=True, env=environment
    )


def inspect(reference):
    """What the engine says of an image; None: it has none of that name."""
    done = docker("image", "inspect", reference)
    return json.loads(done.stdout)[0] if done.returncode == 0 else None


def known_digest(image, repository):
    """The digest by which a registry knows an image, as far as this engine does."""
    for name in image.get("RepoDigests") or []:
        where, _, digest = name.partition("@")
        if where == repository:
            return digest
    return None


def require(image, name, identifier):
    """Refuse an image that is not the recorded one."""
    if image is None:
        raise RegistryError(f"there is no image {name} on this machine: run the playbook site")
    if image["Id"] != identifier:
        raise RegistryError(
            f"{name} is {image['Id']} and not the recorded {identifier}; somebody gave its name to"
            f" another image: docker image rm {name}, then run the playbook site"
        )


class Session:
    """A login whose password lies in a folder of memory, and only for so long."""

    def __init__(self, address, password):
        self.address = address
        self.password = password

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(dir="/run")
        done = docker(
            "login", "--username", ACCOUNT, "--password-stdin", self.address,
            text=self.password, folder=self._folder.name,
        )  # fmt: skip
        if done.returncode:
            self._folder.cleanup()
            raise RegistryError(
                f"the registry {self.address} does not let this machine in"
                f" ({' '.join(done.stderr.split()[-12:])}); on the hub's machine look at: systemctl"
                " status docker-registry. Users' servers run on without it."
            )
        return self

    def __exit__(self, *_):
        self._folder.cleanup()

    def run(self, *arguments):
        """A docker command that the registry must not refuse."""
        done = docker(*arguments, folder=self._folder.name)
        if done.returncode:
            raise RegistryError(f"docker {' '.join(arguments)}: {' '.join(done.stderr.split())}")

    def has(self, reference):
        """Whether the registry has it."""
        return docker("manifest", "inspect", reference, folder=self._folder.name).returncode == 0


def push(asked, password):
    """Push where the registry lacks it; returns what was done and the digest."""
    repository = f"{asked.address}/{asked.name.partition(':')[0]}"
    image = inspect(asked.name)
    require(image, asked.name, asked.id)
    digest = known_digest(image, repository)
    with Session(asked.address, password) as session:
        if digest and session.has(f"{repository}@{digest}"):
            return "there", digest
        target = f"{asked.address}/{asked.name}"
        docker("tag", asked.id, target)
        session.run("push", "--quiet", target)
    digest = known_digest(inspect(target), repository)
    if not digest:
        raise RegistryError(f"{target} was pushed, but the engine knows no digest of it")
    return "pushed", digest


def pull(asked, password):
    """Pull where this machine lacks it; returns what was done and the digest."""
    reference = f"{asked.address}/{asked.name.partition(':')[0]}@{asked.digest}"
    done = "there"
    if inspect(reference) is None:
        with Session(asked.address, password) as session:
            session.run("pull", "--quiet", reference)
        done = "pulled"
    require(inspect(reference), reference, asked.id)
    # A name keeps it when unused images are removed.
    docker("tag", reference, f"{asked.address}/{asked.name}")
    return done, asked.digest


def main():
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["push", "pull"])
    parser.add_argument("address")
    parser.add_argument("name")
    parser.add_argument("id")
    parser.add_argument("--digest", default="")
    parser.add_argument("--password-file", type=Path, required=True)
    asked = parser.parse_args()
    if asked.what == "pull" and not asked.digest:
        parser.error("pull needs --digest")
    try:
        password = asked.password_file.read_text().strip()
        done, digest = {"push": push, "pull": pull}[asked.what](asked, password)
    except (RegistryError, OSError) as error:
        sys.exit(f"km3net-registry: {error}")
    print(done, digest)


if __name__ == "__main__":
    main()
