"""The host as a neighbour, an auditor and a user's container see it."""

from __future__ import annotations

import json

import pytest
import testinfra
from testinfra.host import Host

from deploy.tests.conftest import secret
from deploy.tests.containers import Machine

SECRETS = [
    "/opt/km3net/secrets/proxy-token",
    "/opt/km3net/compose/.env",
    "/etc/km3net/backup.json",
]
#: Prints 0 where the metadata service of a cloud can be reached.
METADATA = """
import socket
s = socket.socket()
s.settimeout(3)
print(s.connect_ex(('169.254.169.254', 80)))
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
    assert value not in host.check_output("ps auxww")
    assert value not in host.check_output("journalctl --no-pager --lines 50000")
    for container in host.check_output("docker ps --quiet").split():
        assert value not in host.run(f"docker logs {container}").stdout


def test_containers_reach_no_metadata_service(host: Host) -> None:
    image = host.check_output("docker inspect -f {{.Image}} km3net-hub")
    said = host.check_output(f'docker run --rm {image} python -c "{METADATA}"')
    assert said.strip() != "0"
    rules = host.check_output("nft list table inet km3net_host")
    assert "169.254.0.0/16 drop" in rules
    assert "policy drop" in rules


def test_published_port_is_closed_to_neighbours(deployed: Machine, host: Host) -> None:
    rules = host.check_output("nft list table inet km3net_host")
    assert "ct status dnat drop" in rules


def test_updates_are_installed_but_not_the_engines(host: Host) -> None:
    assert '"^docker"' in host.file("/etc/apt/apt.conf.d/52km3net").content_string
    said = host.check_output("apt-config dump APT::Periodic::Unattended-Upgrade")
    assert '"1"' in said


def test_guessers_are_banned(host: Host) -> None:
    assert "Jail list:\tsshd" in host.check_output("fail2ban-client status")
