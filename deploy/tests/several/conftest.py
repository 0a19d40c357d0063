"""Two machines, deployed from nothing: one with the hub, one worker."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.tests.certificates import Authority
from deploy.tests.conftest import AUTHORITY
from deploy.tests.containers import NETWORK, Machine, docker, runs, start_machine
from deploy.tests.site import KEEP, Play, Site, kept_folder, ssh_key
from tests.e2e.platforms import Person

HUB = "several.test"
ADDRESSES = {"hub": "10.199.250.41", "worker1": "10.199.250.42"}
PASSWORD = "kanugu-posifo-gemoka-87"


@dataclass
class Platform:
    """The platform on both machines."""

    machines: dict[str, Machine]
    site: Site
    fresh: Callable[[str], Machine]
    """Starts an empty machine in place of the previous one."""
    first_run: Play | None = None

    def person(self, name: str) -> Person:
        """A person with an account, logged in."""
        hub = self.machines["hub"]
        add = ["docker", "exec", "-i", hub.name, "docker", "exec", "-i", "km3net-hub", "km3hub"]
        if name not in hub.run("docker", "exec", "km3net-hub", "km3hub", "accounts", "list"):
            subprocess.run(
                [*add, "accounts", "add", name, "--password-stdin"],
                input=PASSWORD, text=True, check=True, capture_output=True,
            )  # fmt: skip
        return Person.log_in(f"https://{HUB}", name, PASSWORD)

    def machine_of(self, name: str) -> str:
        """The machine that runs a user's server; empty: none."""
        for machine in self.machines.values():
            if runs(machine.name) and f"km3net-user-{name}." in machine.run(
                "docker", "ps", "--format={{.Names}}"
            ):
                return machine.name.removeprefix("km3deploy-several-")
        return ""

    def play(self, name: str, *options: str) -> Play:
        """Run a playbook."""
        return self.site.play(name, *options)


@pytest.fixture(scope="session")
def several_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site's files; with KM3_KEEP=1 kept for the next run."""
    return kept_folder("kept-several") if KEEP else tmp_path_factory.mktemp("several")


@pytest.fixture(scope="session")
def several_key(several_folder: Path) -> Path:
    return ssh_key(several_folder)


@pytest.fixture(scope="session")
def several_authority(several_folder: Path) -> Authority:
    own = several_folder / "authority"
    own.mkdir(exist_ok=True)
    return Authority(own)


@pytest.fixture(scope="session")
def several_site(several_key: Path, several_authority: Authority, several_folder: Path) -> Site:
    """The inventory of an admin with two machines."""
    certificate, key = (several_authority.folder / f"several{end}.pem" for end in ("", "-key"))
    # Machines that were left by an earlier run have it already.
    if not certificate.exists():
        several_authority.issue("several", [HUB])
    settings = {
        "platform_hub_name": HUB,
        "platform_settings": {
            "site": {"name": "Test site", "contact": f"help@{HUB}"},
            "environments": [{"name": "stack", "title": "KM3NeT stack", "image": "km3net/stack"}],
            "sizes": [{"name": "small", "memory": "1G", "cpu": 1}],
            "services": {"opendata": {"enabled": False}},
        },
        "proxy_tls": "files",
        "proxy_certificate": str(certificate),
        "proxy_key": str(key),
        "monitoring_enabled": False,
        "backup_repository": "/var/backups/km3net",
        "backup_password": "{{ vault_backup_password }}",
        "swarm_heartbeat_seconds": 5,
        "verify_authority": AUTHORITY,
    }
    site = Site(several_folder / "inventory", ADDRESSES["hub"], several_key, settings)
    file = site.folder / "hosts.yml"
    common = yaml.safe_load(file.read_text())["all"]["hosts"]["hub"]
    hosts = {
        name: common | {"ansible_host": address, "swarm_address": address}
        for name, address in ADDRESSES.items()
    }
    workers = {"workers": {"hosts": {"worker1": hosts.pop("worker1")}}}
    file.write_text(yaml.safe_dump({"all": {"hosts": hosts, "children": workers}}))
    return site


@pytest.fixture(scope="session")
def fresh(
    target_image: str, several_key: Path, several_authority: Authority, several_folder: Path
) -> Callable[[str], Machine]:
    """Starts an empty machine in place of the previous one."""
    public = several_key.with_suffix(".pub").read_text().strip()

    def start(name: str) -> Machine:
        # Its ssh has another key than the one before.
        (several_folder / "known_hosts").unlink(missing_ok=True)
        machine = start_machine(
            f"several-{name}", ADDRESSES[name], image=target_image, public_key=public,
            hosts=[f"{HUB}:{ADDRESSES['hub']}"],
        )  # fmt: skip
        docker("cp", str(several_authority.file), f"{machine.name}:{AUTHORITY}")
        return machine

    return start


@pytest.fixture(scope="session")
def machines(fresh: Callable[[str], Machine]) -> Iterator[dict[str, Machine]]:
    """Two fresh machines. KM3_KEEP=1 keeps them for inspection."""
    started = {}
    for name, address in ADDRESSES.items():
        left = Machine(f"{NETWORK}-several-{name}", address)
        started[name] = left if KEEP and runs(left.name) else fresh(name)
    yield started
    if not KEEP:
        for machine in started.values():
            machine.remove()


@pytest.fixture(scope="session")
def platform(
    machines: dict[str, Machine],
    several_site: Site,
    several_authority: Authority,
    fresh: Callable[[str], Machine],
) -> Iterator[Platform]:
    """The platform on both machines; the tests can resolve its host name."""
    real = socket.getaddrinfo

    def look_up(host: Any, *arguments: Any, **options: Any) -> Any:
        return real(ADDRESSES["hub"] if host == HUB else host, *arguments, **options)

    socket.getaddrinfo = look_up  # type: ignore[assignment]
    before = os.environ.get("SSL_CERT_FILE")
    os.environ["SSL_CERT_FILE"] = str(several_authority.file)
    platform = Platform(machines, several_site, fresh)
    platform.first_run = platform.play("site").require_success()
    yield platform
    socket.getaddrinfo = real
    if before is None:
        del os.environ["SSL_CERT_FILE"]
    else:
        os.environ["SSL_CERT_FILE"] = before
