"""One host, deployed from nothing with a certificate from a local ACME service."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
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
    runs,
    start_machine,
)
from deploy.tests.site import KEEP, RESULTS, Play, Site, kept_folder, prepare, ssh_key
from tests.deploy.sources import module

archive = module("archive.py")

HUB, PORTAL, ACME = "hub.test", "data.test", "acme.test"
HUB_ADDRESS, ACME_ADDRESS = "10.199.250.31", "10.199.250.5"
#: The ACME service that serves known accounts only, and the port where it shows its authority.
BOUND, BOUND_MANAGEMENT = f"https://{ACME}:14001/dir", 15001
#: The tests' authorities on the machine, as if they were the site's own.
AUTHORITY = "/etc/ssl/certs/site-authority.pem"


#: The images in the tests' archive: one of the environments is enough.
IMAGES = tuple(name for name in archive.NAMES if name != "joint")
#: All of them use one machine, in this order; the last ones replace it.
ORDER = (
    "test_validate", "test_one_host", "test_hardening", "test_verify", "test_monitoring",
    "test_login", "test_names", "test_host_names", "test_certificates", "test_drills",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        own = item.path.parent == here and item.path.stem in ORDER
        return ORDER.index(item.path.stem) if own else len(ORDER)

    items.sort(key=place)


@pytest.fixture(scope="session")
def ansible() -> None:
    """Ansible in `deploy/.venv`, which is installed if it is missing."""
    prepare("environment.py")


@pytest.fixture(scope="session")
def needed(ansible: None) -> None:
    """An engine, Ansible, the program for machines, images and their archive."""
    if docker("version", check=False).returncode:
        pytest.skip("no Docker Engine answers: make engine images")
    prepare("program.py")
    prepare("archive.py", *IMAGES)


@pytest.fixture(scope="session")
def kept(needed: None) -> bool:
    """Whether an earlier run left a machine for this one."""
    return KEEP and runs(f"{NETWORK}-hub") and (RESULTS / "kept").exists()


@pytest.fixture(scope="session")
def folder(kept: bool, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the site's files are: inventory, keys, authorities."""
    if not KEEP:
        return tmp_path_factory.mktemp("site")
    if not kept:
        shutil.rmtree(RESULTS / "kept", ignore_errors=True)
    return kept_folder("kept")


@pytest.fixture(scope="session")
def authority(folder: Path) -> Authority:
    own = folder / "authority"
    own.mkdir(exist_ok=True)
    own.chmod(0o755)
    return Authority(own)


@pytest.fixture(scope="session")
def network(needed: None) -> None:
    make_network()


@pytest.fixture(scope="session")
def acme(network: None, authority: Authority, kept: bool, folder: Path) -> Iterator[Path]:
    """An ACME service; yields a file with the tests' own and all public authorities."""
    name = f"{NETWORK}-acme"
    bundle = folder / "bundle.pem"
    if kept and runs(name) and bundle.exists():
        yield bundle
        return
    authority.issue("acme", [ACME, "localhost"])
    image = build("acme", "acme")
    docker("rm", "--force", name, check=False)
    docker(
        "run", "-d", "--name", name, f"--network={NETWORK}", f"--ip={ACME_ADDRESS}",
        "--env", f"HOST_ADDRESS={HUB_ADDRESS}",
        "--volume", f"{authority.folder}:/certificates:ro", image,
    )  # fmt: skip
    context = ssl.create_default_context(cafile=str(authority.file))
    context.check_hostname = False

    def fetch(what: str, port: int = 15000) -> str:
        address = f"https://{ACME_ADDRESS}:{port}/{what}/0"
        with urllib.request.urlopen(address, context=context, timeout=5) as answer:
            return str(answer.read().decode())

    def answers() -> bool:
        try:
            return bool(fetch("roots") and fetch("roots", BOUND_MANAGEMENT))
        except OSError:
            return False

    eventually(answers, "the ACME service answers")
    bound = fetch("roots", BOUND_MANAGEMENT)
    own = fetch("roots") + bound + authority.file.read_text()
    bundle.write_text(Path(certifi.where()).read_text() + own)
    bundle.with_name("own.pem").write_text(own)
    bundle.with_name("bound-root.pem").write_text(bound)
    bundle.with_name("intermediate.pem").write_text(fetch("intermediates"))
    bundle.with_name("acme-root.pem").write_text(authority.file.read_text())
    yield bundle
    if not KEEP:
        docker("rm", "--force", name, check=False)


@pytest.fixture(scope="session")
def key(folder: Path) -> Path:
    return ssh_key(folder)


# Of this package, not of the session: the process may go on with tests of something else.
@pytest.fixture(scope="package")
def names(acme: Path) -> Iterator[None]:
    """Name resolution and trust of the tests, as if the host names were in DNS."""
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
def fresh_machine(target_image: str, key: Path, acme: Path) -> Callable[[], Machine]:
    """Starts an empty machine in place of the previous one."""
    public = key.with_suffix(".pub").read_text().strip()
    hosts = [f"{ACME}:{ACME_ADDRESS}", f"{HUB}:{HUB_ADDRESS}", f"{PORTAL}:{HUB_ADDRESS}"]

    def start() -> Machine:
        machine = start_machine(
            "hub", HUB_ADDRESS, image=target_image, public_key=public, hosts=hosts
        )
        docker("cp", str(acme.with_name("own.pem")), f"{machine.name}:{AUTHORITY}")
        return machine

    return start


@pytest.fixture(scope="package")
def machine(fresh_machine: Callable[[], Machine], kept: bool) -> Iterator[Machine]:
    """A fresh machine. KM3_KEEP=1 keeps it for inspection."""
    machine = Machine(f"{NETWORK}-hub", HUB_ADDRESS) if kept else fresh_machine()
    yield machine
    if not KEEP:
        machine.remove()


def settings(folder: Path) -> dict[str, Any]:
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
        "proxy_acme_root": str(folder / "acme-root.pem"),
        "backup_repository": "/var/backups/km3net",
        "backup_password": "{{ vault_backup_password }}",
        "verify_authority": AUTHORITY,
    }


@pytest.fixture(scope="package")
def site(machine: Machine, key: Path, folder: Path) -> Site:
    return Site(folder / "inventory", machine.address, key, settings(folder))


@pytest.fixture(scope="package")
def first_run(site: Site, names: None, kept: bool) -> Play | None:
    """The deployment from nothing, unless an earlier run kept the machine."""
    return None if kept else site.play("site").require_success()


@pytest.fixture(scope="package")
def deployed(first_run: Play | None, machine: Machine) -> Machine:
    """The machine with the platform."""
    return machine


@pytest.fixture(scope="package")
def saved(deployed: Machine, site: Site) -> Machine:
    """A host with a backup, which verify requires."""
    site.play("backup").require_success()
    return deployed


def secret(machine: Machine, name: str) -> str:
    """A secret that the deployment created on the machine."""
    return machine.run("cat", f"/opt/km3net/secrets/{name}").strip()


def container(machine: Machine, name: str) -> dict[str, Any]:
    """A container of the machine's own engine, as inspected."""
    return dict(json.loads(machine.run("docker", "inspect", f"km3net-{name}"))[0])
