"""The host as a neighbour, an auditor and a user's container see it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest
import testinfra
from testinfra.host import Host

from deploy.tests.conftest import secret
from deploy.tests.containers import NETWORK, Machine, docker, eventually

SECRETS = [
    "/opt/km3net/secrets/proxy-token",
    "/opt/km3net/compose/.env",
    "/etc/km3net/backup.json",
]
METADATA = "169.254.169.254"
#: Prints 0 where an address answers.
REACHES = """
import socket
s = socket.socket()
s.settimeout(3)
print(s.connect_ex((%r, 80)))
"""


@pytest.fixture(scope="module")
def host(deployed: Machine) -> Host:
    return testinfra.get_host(f"docker://{deployed.name}")


@pytest.mark.parametrize("name", ["docker", "caddy", "km3net-firewall", "fail2ban", "ssh"])
def test_service_runs_and_is_enabled(host: Host, name: str) -> None:
    service = host.service(name)
    assert service.is_running
    assert service.is_enabled


def test_ssh_takes_keys_only_and_not_for_root(host: Host) -> None:
    said = host.check_output("sshd -T")
    assert "passwordauthentication no" in said
    assert "permitrootlogin no" in said
    assert "kbdinteractiveauthentication no" in said


def test_engine_is_hardened(host: Host) -> None:
    options = json.loads(host.file("/etc/docker/daemon.json").content_string)
    assert options["live-restore"] is True
    assert options["no-new-privileges"] is True
    assert options["icc"] is False
    assert options["ip"] == "127.0.0.1"


@pytest.mark.parametrize("path", SECRETS)
def test_secrets_are_roots_only(host: Host, path: str) -> None:
    file = host.file(path)
    assert file.user == "root"
    assert file.mode == 0o600


@pytest.mark.parametrize("name", ["proxy-token", "admin-password", "check-password"])
def test_no_secret_is_in_a_log_or_a_process_list(deployed: Machine, host: Host, name: str) -> None:
    value = secret(deployed, name)
    assert len(value) == 48
    said = host.check_output("ps auxww") + host.check_output("journalctl --no-pager")
    for container in host.check_output("docker ps --quiet").split():
        said += host.run(f"docker logs {container}").stdout
    shown = [line.replace(value, "SECRET") for line in said.splitlines() if value in line]
    assert shown == []


@pytest.fixture(scope="module")
def metadata(deployed: Machine, target_image: str) -> Iterator[str]:
    """A neighbour that is also a cloud's metadata service; yields that address."""
    name = f"{NETWORK}-metadata"
    docker("rm", "--force", name, check=False)
    serve = f"ip address add {METADATA}/32 dev eth0 && exec python3 -m http.server 80"
    docker(
        "run", "-d", "--name", name, f"--network={NETWORK}", "--cap-add=NET_ADMIN",
        "--entrypoint=sh", target_image, "-c", serve,
    )  # fmt: skip
    networks = json.loads(docker("inspect", name).stdout)[0]["NetworkSettings"]["Networks"]
    address = str(networks[NETWORK]["IPAddress"])
    deployed.run("ip", "route", "replace", METADATA, "via", address)
    eventually(
        lambda: deployed.succeeds("curl", "-fs", "-m3", "-o/dev/null", f"http://{METADATA}/"),
        "the host itself reaches the metadata service",
    )
    yield address
    deployed.run("ip", "route", "delete", METADATA)
    docker("rm", "--force", name)


def test_containers_reach_no_metadata_service(host: Host, metadata: str) -> None:
    image = host.check_output("docker inspect -f {{.Image}} km3net-hub")

    def said(address: str) -> str:
        program = REACHES % address
        return host.check_output(f'docker run --rm {image} python -c "{program}"').strip()

    assert said(metadata) == "0"
    assert said(METADATA) != "0"


def test_published_port_is_closed_to_neighbours(deployed: Machine, host: Host) -> None:
    image = host.check_output("docker inspect -f {{.Image}} km3net-hub")
    serve = f"-p 0.0.0.0:9998:8000 {image} python -m http.server 8000"
    host.check_output(f"docker run -d --rm --name leak {serve}")
    try:
        eventually(
            lambda: deployed.succeeds("curl", "-fs", "-o/dev/null", "http://127.0.0.1:9998/"),
            "the host itself reaches the port",
        )
        with pytest.raises(TimeoutError):
            socket.create_connection((deployed.address, 9998), 3)
    finally:
        host.check_output("docker rm -f leak")
    socket.create_connection((deployed.address, 443), 3).close()


def test_updates_are_installed_but_not_the_engines(host: Host) -> None:
    assert '"^docker"' in host.file("/etc/apt/apt.conf.d/52km3net").content_string
    said = host.check_output("apt-config dump APT::Periodic::Unattended-Upgrade")
    assert '"1"' in said


def test_password_guessers_are_banned(host: Host) -> None:
    assert "Jail list:\tsshd" in host.check_output("fail2ban-client status")
