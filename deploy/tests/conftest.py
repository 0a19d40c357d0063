"""One host, deployed from nothing with a certificate from a local ACME service."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest

from deploy.tests.certificates import Authority
from deploy.tests.containers import (
    NETWORK,
    Machine,
    build,
    docker,
    eventually,
    make_network,
    start_machine,
)
from deploy.tests.site import DEPLOY, Play, Site

HUB, PORTAL, ACME = "hub.test", "data.test", "acme.test"
HUB_ADDRESS, ACME_ADDRESS = "10.199.250.31", "10.199.250.5"


@pytest.fixture(scope="session")
def needed() -> None:
    """An engine, images, and their archive."""
    if docker("version", check=False).returncode:
        pytest.skip("no Docker Engine answers: make engine images archive")
    if not (DEPLOY / "archive" / "images.json").exists():
        pytest.skip("there is no archive of the images: make images archive")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder = tmp_path_factory.mktemp("authority")
    folder.chmod(0o755)
    for parent in folder.parents[:2]:
        parent.chmod(0o755)
    return Authority(folder)


@pytest.fixture(scope="session")
def network(needed: None) -> None:
    make_network()


@pytest.fixture(scope="session")
def acme(network: None, authority: Authority) -> Iterator[Path]:
    """An ACME service; yields a file with its root and all public authorities."""
    authority.issue("acme", [ACME, "localhost"])
    image, name = build("acme", "acme"), f"{NETWORK}-acme"
    docker("rm", "--force", name, check=False)
    docker(
        "run", "-d", "--name", name, f"--network={NETWORK}", f"--ip={ACME_ADDRESS}",
        "--env", f"HOST_ADDRESS={HUB_ADDRESS}",
        "--volume", f"{authority.folder}:/certificates:ro", image,
    )  # fmt: skip
    context = ssl.create_default_context(cafile=str(authority.file))
    context.check_hostname = False
    roots: list[str] = []

    def answers() -> bool:
        address = f"https://{ACME_ADDRESS}:15000/roots/0"
        try:
            with urllib.request.urlopen(address, context=context, timeout=5) as answer:
                roots.append(answer.read().decode())
        except OSError:
            return False
        return True

    eventually(answers, "the ACME service answers")
    bundle = authority.folder / "bundle.pem"
    bundle.write_text(Path(certifi.where()).read_text() + roots[0])
    yield bundle
    docker("rm", "--force", name, check=False)


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ssh") / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


@pytest.fixture(scope="session")
def names(acme: Path) -> Iterator[None]:
    """The tests' own look-ups and trust: as if the host names were in DNS."""
    known = {HUB: HUB_ADDRESS, PORTAL: HUB_ADDRESS, ACME: ACME_ADDRESS}
    real = socket.getaddrinfo

    def look_up(host: Any, *arguments: Any, **options: Any) -> Any:
        return real(known.get(host, host), *arguments, **options)

    socket.getaddrinfo = look_up
    os.environ["SSL_CERT_FILE"] = str(acme)
    yield
    socket.getaddrinfo = real
    del os.environ["SSL_CERT_FILE"]


@pytest.fixture(scope="session")
def target_image(network: None) -> str:
    return build("target", "target")


@pytest.fixture(scope="session")
def fresh_machine(target_image: str, key: Path) -> Callable[[], Machine]:
    """Starts a machine on which nothing is, in the place of the one before."""
    public = key.with_suffix(".pub").read_text().strip()
    hosts = [f"{ACME}:{ACME_ADDRESS}", f"{HUB}:{HUB_ADDRESS}", f"{PORTAL}:{HUB_ADDRESS}"]

    def start() -> Machine:
        return start_machine("hub", HUB_ADDRESS, image=target_image, public_key=public, hosts=hosts)

    return start


@pytest.fixture(scope="session")
def machine(fresh_machine: Callable[[], Machine]) -> Iterator[Machine]:
    """A fresh machine. KM3_KEEP=1 leaves it for a look."""
    machine = fresh_machine()
    yield machine
    if not os.environ.get("KM3_KEEP"):
        machine.remove()


def settings(authority: Authority) -> dict[str, Any]:
    """What the admin of the tests writes into platform.yml."""
    return {
        "platform_hub_name": HUB,
        "platform_portal_name": PORTAL,
        "platform_settings": {
            "site": {"name": "Test site", "contact": "help@hub.test"},
            "environments": [{"name": "stack", "title": "KM3NeT stack", "image": "km3net/stack"}],
            "sizes": [{"name": "small", "memory": "1G", "cpu": 1}],
        },
        "proxy_tls": "acme",
        "proxy_acme_email": "admin@hub.test",
        "proxy_acme_directory": f"https://{ACME}:14000/dir",
        "proxy_acme_root": str(authority.file),
        "backup_repository": "/var/backups/km3net",
        "backup_password": "{{ vault_backup_password }}",
    }


@pytest.fixture(scope="session")
def site(
    machine: Machine, authority: Authority, key: Path, tmp_path_factory: pytest.TempPathFactory
) -> Site:
    folder = tmp_path_factory.mktemp("site") / "inventory"
    return Site(folder, machine.address, key, settings(authority))


@pytest.fixture(scope="session")
def first_run(site: Site, names: None) -> Play:
    """The deployment from nothing."""
    return site.play("site").require_success()


@pytest.fixture(scope="session")
def deployed(first_run: Play, machine: Machine) -> Machine:
    """The machine with the platform on it."""
    return machine


def secret(machine: Machine, name: str) -> str:
    """A secret that the deployment made on the machine."""
    return machine.run("cat", f"/opt/km3net/secrets/{name}").strip()


def container(machine: Machine, name: str) -> dict[str, Any]:
    """A container of the machine's own engine, as inspected."""
    return dict(json.loads(machine.run("docker", "inspect", f"km3net-{name}"))[0])
