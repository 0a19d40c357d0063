"""`verify` accepts a good deployment and reports each fault."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from deploy.tests.containers import Machine, eventually
from deploy.tests.site import Site

#: For each fault: the command that causes it, the one that repairs it, the check and its words.
BROKEN = {
    "web-server-is-off": (
        "systemctl stop caddy", "systemctl start caddy", "services", "caddy does not run",
    ),
    "service-is-not-enabled": (
        "systemctl disable -q fail2ban", "systemctl enable -q fail2ban", "services",
        "will not start after a reboot",
    ),
    "hub-is-down": (
        "docker stop -t 1 km3net-hub", "docker start km3net-hub", "containers",
        "km3net-hub is exited",
    ),
    "image-is-missing": (
        "docker image rm $(docker image ls -q --no-trunc km3net/stack | head -1) -f",
        "true", "images", "is missing",
    ),
    "firewall-is-gone": (
        "nft delete table inet km3net_host", "systemctl restart km3net-firewall", "filters",
        "systemctl restart km3net-firewall",
    ),
    "port-is-published": (
        "docker run -d --name leak -p 0.0.0.0:9999:80"
        " $(docker inspect -f {{.Image}} km3net-proxy) sleep 99",
        "docker rm -f leak", "published", "leak publishes port 9999",
    ),
    "portal-is-down": (
        "docker stop -t 1 km3net-opendata", "docker start km3net-opendata", "web",
        "data.test/health answers 502",
    ),
    "backup-is-old": (
        "touch -d '3 days ago' /var/lib/km3net/backup/done", "touch /var/lib/km3net/backup/done",
        "backup", "72 hours old",
    ),
    "secret-is-open": (
        "chmod 644 /opt/km3net/compose/.env", "chmod 600 /opt/km3net/compose/.env", "secrets",
        "chmod 600 /opt/km3net/compose/.env",
    ),
    "authority-is-unknown": (
        r"""sed -i.kept -E 's|"authority": "[^"]*"|"authority": ""|' /etc/km3net/verify.json""",
        "mv /etc/km3net/verify.json.kept /etc/km3net/verify.json", "certificates",
        "write verify_authority",
    ),
    "account-is-gone": (
        "docker exec km3net-hub km3hub accounts remove --yes check", "true", "visit",
        "the account check cannot log in",
    ),
}  # fmt: skip


@contextmanager
def broken(machine: Machine, break_it: str, mend_it: str) -> Iterator[None]:
    machine.run("bash", "-c", break_it)
    try:
        yield
    finally:
        machine.run("bash", "-c", mend_it)


@pytest.fixture(scope="module")
def saved(deployed: Machine, site: Site) -> Machine:
    """A host with a backup, which verify requires."""
    site.play("backup").require_success()
    eventually(
        lambda: deployed.succeeds("curl", "-fs", "-o/dev/null", "http://127.0.0.1:8090/health"),
        "the portal is filled", seconds=300,
    )  # fmt: skip
    return deployed


def test_sound_host_is_accepted(saved: Machine, site: Site) -> None:
    play = site.play("verify").require_success()
    assert "check ran a cell in stack" in play.output
    assert "changed=0" in play.output


@pytest.mark.parametrize("case", BROKEN)
def test_broken_host_is_reported(saved: Machine, case: str) -> None:
    break_it, mend_it, check, words = BROKEN[case]
    with broken(saved, break_it, mend_it):
        said = saved.run("km3net-verify", "--only", check, check=False)
    assert said.startswith("FAILED"), said
    assert words in said


def test_playbook_fails_in_the_words_of_the_program(saved: Machine, site: Site) -> None:
    break_it, mend_it, _, words = BROKEN["secret-is-open"]
    with broken(saved, break_it, mend_it):
        play = site.play("verify", "-e", "verify_visit=false")
    assert play.code != 0
    assert words in " ".join(play.output.split())


def test_site_playbook_repairs_a_broken_host(saved: Machine, site: Site) -> None:
    play = site.play("site").require_success()
    assert play.changed > 0  # the account and the image that were taken away
    site.play("verify").require_success()
