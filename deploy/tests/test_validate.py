"""Wrong settings are refused before anything is changed, in a sentence that says what to write."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.tests.site import Play, Site, ssh_key

pytestmark = pytest.mark.usefixtures("ansible")

GOOD = {
    "platform_hub_name": "hub.example.org",
    "platform_portal_name": "data.example.org",
    "platform_settings": {},
    "proxy_tls": "acme",
    "proxy_acme_email": "admin@example.org",
    "backup_repository": "/var/backups/km3net",
    "backup_password": "{{ vault_backup_password }}",
}
OIDC = {"provider": "escape-iam", "client_id": "the-hub", "allowed_groups": ["/escape"]}
WITH_OIDC: dict[str, Any] = {"login": {"method": "oidc", "oidc": OIDC}}
STORAGE = "sftp:backup@storage.example.org:/km3net"
#: For each host, what is wrong with its settings, and the expected message.
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "misspelt": ({"proxy_tsl": "acme"}, "write proxy_tls"),
    "removed": ({"platform_domain": "x.org"}, "write platform_hub_name"),
    "choice": ({"proxy_tls": "letsencrypt"}, "acme, files, internal, none"),
    "kind": ({"firewall_tcp_ports": "https"}, "firewall_tcp_ports"),
    "address": ({"platform_hub_name": "https://hub.example.org"}, "without https://"),
    "portal": ({"platform_portal_name": ""}, "platform_portal_name: opendata.example.org"),
    "observatory": ({"platform_vo_name": "data.example.org"}, "must be another name for it"),
    "value": (
        {"platform_settings": {"sizes": [{"name": "s", "memory": "x", "cpu": 1}]}},
        "e.g. 2G",
    ),
    "key": ({"platform_settings": {"sise": {}}}, "sise"),
    "files": (
        {"proxy_tls": "files", "proxy_certificate": "/none"},
        "proxy_key: /path/to/key.pem",
    ),
    "mail": ({"proxy_acme_email": ""}, "Write proxy_acme_email"),
    "binding": ({"proxy_acme_key_id": "x"}, "proxy_acme_mac_key"),
    "password": ({"backup_password": ""}, "Write backup_password"),
    "storage-key": (
        {"backup_repository": STORAGE, "backup_ssh_key": "change-me"},
        "backup_ssh_key is not a private key. Make a key: ssh-keygen",
    ),
    "storage-known": (
        {"backup_repository": STORAGE, "backup_known_hosts": "storage.example.org ssh-ed25519 AA"},
        "backup_ssh_key is missing",
    ),
    "storage-folder": ({"backup_ssh_key": "x"}, "are for a repository by sftp"),
    "alerts": ({"monitoring_mail_to": ["a@example.org"]}, "Write monitoring_mail_server"),
    "provider": (
        {"platform_settings": {"login": {"method": "oidc"}}},
        "oidc: {provider: escape-iam",
    ),
    "nobody": (
        {"platform_settings": {"login": {"method": "oidc", "oidc": OIDC | {"allowed_groups": []}}}},
        "nobody could log in; write allowed_groups",
    ),
    "secret": (
        {"platform_settings": WITH_OIDC},
        'https://hub.example.org/hub/oauth_callback). Write platform_client_secret: "{{ vault_',
    ),
    "secret-file": (
        {
            "platform_settings": {
                "login": {"method": "oidc", "oidc": OIDC | {"client_secret_file": "f"}}
            }
        },
        "remove the line and write platform_client_secret",
    ),
    "plain": (
        {"platform_settings": WITH_OIDC, "platform_client_secret": "s", "proxy_tls": "none"},
        "needs https. Write proxy_tls: acme",
    ),
    "example": ({"vault_backup_password": "change-me"}, "Replace change-me in vault.yml"),
}
#: Facts of machines given to validate (`systems.yml`), because there is only this machine.
ALMA = {"distribution": "AlmaLinux", "release": "9", "name": "Shamrock", "family": "RedHat"}
UBUNTU = {"distribution": "Ubuntu", "release": "24", "name": "noble", "family": "Debian"}
ON_ALMA: dict[str, Any] = {
    "system_under_test": ALMA,
    "docker_repository": "https://mirror.example.org/docker/el9",
    "monitoring_enabled": False,
}
#: For each host, its system and the expected message; empty if it is accepted.
SYSTEMS: dict[str, tuple[dict[str, Any], str]] = {
    "ubuntu": ({"system_under_test": UBUNTU}, ""),
    "alma": (ON_ALMA, ""),
    "own-packages": (ON_ALMA | {"docker_repository": "", "docker_packages": ["docker-ce"]}, ""),
    "alma-8": ({"system_under_test": ALMA | {"release": "8"}}, "Give it Debian 13"),
    "no-docker": (ON_ALMA | {"docker_repository": ""}, "Write docker_repository: https://mirror"),
    "watched": (ON_ALMA | {"monitoring_enabled": True}, "Write monitoring_enabled: false"),
}


def local(folder: Path, hosts: dict[str, dict[str, Any]]) -> Site:
    """An inventory whose hosts are this machine; only its facts are read."""
    site = Site(folder / "inventory", "127.0.0.1", folder / "no-key", dict(GOOD))
    common = {"ansible_connection": "local", "ansible_become": False}
    common["ansible_python_interpreter"] = sys.executable
    inventory = {"all": {"hosts": {name: common | own for name, own in hosts.items()}}}
    (site.folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
    return site


@pytest.fixture(scope="module")
def play(ansible: None, tmp_path_factory: pytest.TempPathFactory) -> Play:
    hosts = {name: wrong for name, (wrong, _) in WRONG.items()} | {"good": {}}
    key = ssh_key(tmp_path_factory.mktemp("storage"))
    public = key.with_suffix(".pub").read_text()
    hosts["storage"] = {
        "backup_repository": STORAGE,
        "backup_ssh_key": key.read_text(),
        "backup_known_hosts": f"storage.example.org {public}",
    }
    hosts["storage-half"] = hosts["storage"] | {"backup_known_hosts": ""}
    hosts["oidc"] = {"platform_settings": WITH_OIDC, "platform_client_secret": "s"}
    return local(tmp_path_factory.mktemp("wrong"), hosts).play("validate")


@pytest.mark.parametrize("host", ["good", "oidc", "storage"])
def test_good_settings_are_accepted(play: Play, host: str) -> None:
    assert re.search(rf"^{host} +: .*failed=0", play.output, re.M), play.output


def refusal(play: Play, host: str) -> str:
    """Returns the error message for a host."""
    assert re.search(rf"^{host} +: .*failed=1", play.output, re.M), play.output
    found = re.search(
        rf"^(?:fatal|failed): \[{host}\].*?(?=^\w+: \[|^TASK|\Z)", play.output, re.M | re.S
    )
    assert found is not None
    return " ".join(found[0].split())


@pytest.mark.parametrize("host", WRONG)
def test_wrong_setting_is_refused(play: Play, host: str) -> None:
    assert WRONG[host][1] in refusal(play, host)


@pytest.fixture(scope="module")
def systems(ansible: None, tmp_path_factory: pytest.TempPathFactory) -> Play:
    hosts = {name: settings for name, (settings, _) in SYSTEMS.items()}
    return local(tmp_path_factory.mktemp("systems"), hosts).play("../tests/systems")


@pytest.mark.parametrize("host", [name for name, (_, words) in SYSTEMS.items() if not words])
def test_known_operating_system_is_accepted(systems: Play, host: str) -> None:
    assert re.search(rf"^{host} +: .*failed=0", systems.output, re.M), systems.output


@pytest.mark.parametrize("host", [name for name, (_, words) in SYSTEMS.items() if words])
def test_settings_that_the_system_cannot_meet_are_refused(systems: Play, host: str) -> None:
    assert SYSTEMS[host][1] in refusal(systems, host)


def test_incomplete_storage_settings_are_refused_without_showing_the_key(play: Play) -> None:
    assert re.search(r"^storage-half +: .*failed=1", play.output, re.M)
    assert "`ssh-keyscan storage.example.org` prints" in " ".join(play.output.split())
    assert "PRIVATE KEY" not in play.output


def test_secrets_in_plain_text_are_refused(tmp_path: Path) -> None:
    site = local(tmp_path, {"hub": {}})
    site.write_secrets({"vault_backup_password": "a good one"}, encrypt=False)
    play = site.play("validate")
    assert play.code != 0
    assert "ansible-vault encrypt" in " ".join(play.output.split())
