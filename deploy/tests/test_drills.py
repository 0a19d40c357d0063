"""Drills: upgrades, a rollback, full storage, a reboot, losses and removals."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.tests.conftest import HUB, PORTAL, container, secret
from deploy.tests.containers import Machine, await_boot, docker, eventually, start_machine
from deploy.tests.releases import release
from deploy.tests.site import ARCHIVE, Site, ssh_key
from tests.e2e.platforms import Person
from tests.e2e.servers import Kernel, start_kernel, start_server, stop_server

ADDRESS = f"https://{HUB}"
STORAGE_ADDRESS = "10.199.250.33"
CATALOGUE = (
    "curl", "-fsk", "--connect-to", "::127.0.0.1:443", f"https://{PORTAL}/catalog.json",
)  # fmt: skip


def records(machine: Machine) -> Any:
    """The portal's records; incomplete while it is filled."""
    if not machine.succeeds(*CATALOGUE, "-o/dev/null"):
        return None
    # `updated` is when the catalogue was written.
    return json.loads(machine.run(*CATALOGUE)) | {"updated": ""}


@pytest.fixture(scope="module")
def admin(saved: Machine) -> Person:
    return Person.log_in(ADDRESS, "admin", secret(saved, "admin-password"))


@pytest.fixture(scope="module")
def kernel(admin: Person) -> Kernel:
    """A kernel with a variable in memory; it must survive changes of hub and proxy."""
    start_server(admin)
    kernel = start_kernel(admin)
    kernel.run("kept = 42")
    return kernel


def tag(machine: Machine) -> str:
    return str(container(machine, "hub")["Config"]["Image"])


def test_failed_upgrade_is_rolled_back_while_users_work(
    deployed: Machine, site: Site, kernel: Kernel, tmp_path: Path
) -> None:
    before = tag(deployed)
    # It answers, but nobody can log in: only the visit finds that.
    bad = [
        "USER 0",
        "RUN sed -i 's/^    async def authenticate/    async def authenticate_not/'"
        " /opt/hub/lib/python3*/site-packages/km3hub/login/authenticator.py",
        "USER 1000",
    ]
    archive = release(tmp_path / "bad", "bad", {"km3net/hub": bad})
    play = site.play("upgrade", "-e", f"images_archive={archive}")
    assert play.code != 0
    said = " ".join(play.output.split())
    assert "cannot log in" in said
    assert "The host runs the previous release, and a user can log in" in said
    assert tag(deployed) == before
    assert kernel.run("print(kept)").strip() == "42"


def test_upgrade_and_rollback_while_users_work(
    deployed: Machine, site: Site, kernel: Kernel, tmp_path: Path
) -> None:
    before = tag(deployed)
    road = container(deployed, "net")["Id"]
    new = ["ENV KM3_RELEASE=next"]
    archive = release(tmp_path / "next", "next", {"km3net/hub": new, "km3net/firewall": new})
    site.play("upgrade", "-e", f"images_archive={archive}").require_success()
    assert tag(deployed).endswith("-next")
    assert str(container(deployed, "firewall")["Config"]["Image"]).endswith("-next")
    # The container that users' traffic goes through is not replaced.
    assert container(deployed, "net")["Id"] == road
    assert kernel.run("print(kept)").strip() == "42"
    # The release stays although the usual archive has another one.
    assert site.play("site").require_success().changed == 0
    site.play("rollback").require_success()
    assert tag(deployed) == before
    assert kernel.run("print(kept)").strip() == "42"


def test_lost_file_is_restored(deployed: Machine, site: Site, kernel: Kernel) -> None:
    kernel.run("from pathlib import Path; Path('mine.txt').write_text('precious')")
    site.play("backup").require_success()
    kernel.run("Path('mine.txt').unlink()")
    site.play("restore_file", "-e", "backup_user=admin", "-e", "backup_file=mine.txt")
    found = "print([p.read_text() for p in Path('restored').rglob('mine.txt')])"
    assert kernel.run(found).strip() == "['precious']"


def test_restore_is_rehearsed_beside_the_platform(saved: Machine, site: Site) -> None:
    play = site.play("restore_drill").require_success()
    said = " ".join(play.output.split())
    counts = re.search(
        r"hub: backup \w{8}: restored (\d+) files .* (\d+) volumes and (\d+) databases are",
        said,
    )
    assert counts, said
    files, volumes, databases = map(int, counts.groups())
    labelled = "docker volume ls --quiet --filter label=org.km3net.project=km3net"
    assert volumes == len(saved.run("sh", "-c", labelled).split())
    homes = "find /var/lib/docker/volumes/km3net-home-*/_data -type f | wc -l"
    assert files > int(saved.run("sh", "-c", homes))
    # The hub's and the portal's.
    assert databases >= 2
    assert "no longer has the images" not in said
    assert not saved.run("sh", "-c", "ls -d /var/tmp/km3net-drill-* 2>/dev/null || true").strip()


def test_full_storage_is_reported_and_the_next_backup_succeeds(
    deployed: Machine, site: Site, kernel: Kernel
) -> None:
    place = "/var/backups/km3net"
    room = int(deployed.run("du", "-sk", place).split()[0]) + 1024
    small = f"mkdir -p /mnt/small && mount -t tmpfs -o size={room}k tmpfs /mnt/small"
    deployed.run(
        "sh", "-c", f"{small} && cp -a {place}/. /mnt/small && mount -B /mnt/small {place}"
    )
    kernel.run("import os; n = Path('large').write_bytes(os.urandom(9_000_000))")
    try:
        play = site.play("backup")
    finally:
        deployed.run("sh", "-c", f"umount {place} /mnt/small")
    assert play.code != 0
    assert "km3host: restic backup" in play.output
    assert "no space left" in play.output
    kernel.run("Path('large').unlink()")
    site.play("backup").require_success()


def test_backups_go_to_another_machine(
    deployed: Machine, site: Site, kernel: Kernel, target_image: str, tmp_path: Path
) -> None:
    usual = site.settings
    secrets = {"vault_backup_password": "a password of the tests"}
    key = ssh_key(tmp_path)
    storage = start_machine(
        "storage",
        STORAGE_ADDRESS,
        image=target_image,
        public_key=key.with_suffix(".pub").read_text().strip(),
        hosts=[],
    )
    host_key = storage.run("cat", "/etc/ssh/ssh_host_ed25519_key.pub").strip()
    files = ["/etc/km3net/backup-ssh-key", "/etc/km3net/backup-known-hosts"]
    try:
        own = {
            "backup_repository": f"sftp:debian@{STORAGE_ADDRESS}:/home/debian/km3net",
            "backup_ssh_key": "{{ vault_backup_ssh_key }}",
            "backup_known_hosts": f"{STORAGE_ADDRESS} {host_key}",
        }
        site.write_secrets(secrets | {"vault_backup_ssh_key": key.read_text()})
        site.write(usual | own)
        site.play("site").require_success()
        kernel.run("from pathlib import Path; n = Path('far.txt').write_text('precious')")
        site.play("backup").require_success()
        assert site.play("site").require_success().changed == 0
        assert storage.run("ls", "/home/debian/km3net/snapshots").strip()
        for file in files:
            assert deployed.run("stat", "-c", "%a %U", file).split() == ["600", "root"]
        kernel.run("Path('far.txt').unlink()")
        site.play(
            "restore_file", "-e", "backup_user=admin", "-e", "backup_file=far.txt"
        ).require_success()
        found = "print([p.read_text() for p in Path('restored').rglob('far.txt')])"
        assert kernel.run(found).strip() == "['precious']"
        # A part of the key that is nothing else's.
        part = key.read_text().splitlines()[2]
        assert part not in deployed.run("journalctl", "--boot", "--output=cat")
        site.play("verify", "-e", "verify_visit=false").require_success()
    finally:
        storage.remove()
        site.write(usual)
        site.write_secrets(secrets)
    site.play("site").require_success()
    assert not any(deployed.succeeds("test", "-e", file) for file in files)


def test_reboot_brings_everything_back(deployed: Machine, site: Site, admin: Person) -> None:
    stop_server(admin)
    docker("restart", "--time", "90", deployed.name)
    await_boot(deployed)
    eventually(
        lambda: deployed.succeeds("km3net-verify", "--quick"),
        "everything runs again", seconds=240,
    )  # fmt: skip
    site.play("verify").require_success()
    assert admin.api_answers()
    assert site.play("site").require_success().changed == 0


SUMS = (
    "cd /var/lib/docker/volumes && find km3net-home-* -type f -print0 | sort -z"
    " | xargs -0 sha256sum"
)


def test_lost_host_is_restored_with_every_file_and_account(
    deployed: Machine,
    site: Site,
    admin: Person,
    fresh_machine: Callable[[], Machine],
    tmp_path: Path,
) -> None:
    stop_server(admin)
    eventually(lambda: bool(records(deployed)), "the portal is filled", seconds=300)
    site.play("backup").require_success()
    files = deployed.run("bash", "-c", SUMS)
    accounts = deployed.run("docker", "exec", "km3net-hub", "km3hub", "accounts", "list")
    catalogue = records(deployed)
    assert len(catalogue["entries"]) > 5
    repository = tmp_path / "repository.tar"
    deployed.pack("/var/backups/km3net", repository)
    deployed.remove()

    fresh = fresh_machine()
    (site.folder.parent / "known_hosts").unlink()
    fresh.unpack(repository, "/var/backups/km3net")
    # As after `make archive` of newer images, which removes the files of older ones.
    newer = tmp_path / "newer"
    newer.mkdir()
    (newer / "images.json").write_bytes((ARCHIVE / "images.json").read_bytes())
    said = " ".join(site.play("restore", "-e", f"images_archive={newer}").output.split())
    assert "which is no longer in" in said
    assert "-e images_upgrade=true" in said
    site.play("restore").require_success()

    assert fresh.run("bash", "-c", SUMS) == files
    assert fresh.run("docker", "exec", "km3net-hub", "km3hub", "accounts", "list") == accounts
    eventually(
        lambda: records(fresh) == catalogue,
        "the portal has its records", seconds=120,
    )  # fmt: skip
    # The password from before the loss.
    again = Person.log_in(ADDRESS, "admin", secret(fresh, "admin-password"))
    assert again.api_answers()
    site.play("verify", "-e", "verify_backup_hours=1000").require_success()


def test_interrupted_play_restores_a_removed_platform(deployed: Machine, site: Site) -> None:
    said = ["-e", "platform_remove=km3net", "-e", "platform_remove_again='delete everything'"]
    assert "Nothing was removed" in site.play("teardown", *said[:2]).output
    site.play("teardown", *said).require_success()
    assert not deployed.run("docker", "ps", "--all", "--quiet")
    assert not deployed.run("docker", "volume", "ls", "--quiet")
    site.interrupt("site", "platform : Start the platform's containers")
    site.play("site").require_success()
    assert site.play("site").require_success().changed == 0
