"""Debian 12, from nothing: its own packages, and Compose from Debian 13."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.tests.conftest import secret, settings
from deploy.tests.containers import NETWORK, Machine, build, runs, start_machine
from deploy.tests.site import KEEP, RESULTS, Play, Site, kept_folder, ssh_key
from tests.deploy.sources import module
from tests.e2e.platforms import Person
from tests.e2e.servers import Kernel, start_kernel, start_server, stop_server

HUB, PORTAL, ADDRESS = "bookworm.test", "bookworm-data.test", "10.199.250.51"
BASE = "debian:bookworm-slim"

# Base image, machine and deployment are made by the first of them.
pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def bookworm_image(network: None) -> str:
    debian = module("../images/building/debian.py")
    RESULTS.mkdir(parents=True, exist_ok=True)
    try:
        debian.provide(BASE, print, RESULTS / "bookworm.log")
    except debian.BaseImageError as error:
        pytest.skip(str(error))
    return build("target-bookworm", "target", base=BASE)


@pytest.fixture(scope="module")
def own_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site's files; with KM3_KEEP=1 kept for the next run."""
    return kept_folder("kept-bookworm") if KEEP else tmp_path_factory.mktemp("bookworm")


@pytest.fixture(scope="module")
def own_key(own_folder: Path) -> Path:
    return ssh_key(own_folder)


@pytest.fixture(scope="module")
def bookworm(bookworm_image: str, own_key: Path, own_folder: Path) -> Iterator[Machine]:
    """A fresh machine. KM3_KEEP=1 keeps it for inspection."""
    machine = Machine(f"{NETWORK}-bookworm", ADDRESS)
    if not (KEEP and runs(machine.name)):
        (own_folder / "known_hosts").unlink(missing_ok=True)
        public = own_key.with_suffix(".pub").read_text().strip()
        hosts = [f"{name}:{ADDRESS}" for name in (HUB, PORTAL)]
        machine = start_machine(
            "bookworm", ADDRESS, image=bookworm_image, public_key=public, hosts=hosts
        )
    yield machine
    if not KEEP:
        machine.remove()


@pytest.fixture(scope="module")
def bookworm_site(bookworm: Machine, own_key: Path, own_folder: Path) -> Site:
    own = {
        "platform_hub_name": HUB,
        "platform_portal_name": PORTAL,
        "proxy_tls": "internal",
    }
    usual = settings(own_folder)
    for name in ("proxy_acme_email", "proxy_acme_directory", "proxy_acme_root", "verify_authority"):
        del usual[name]
    return Site(own_folder / "inventory", ADDRESS, own_key, usual | own)


@pytest.fixture(scope="module")
def first(bookworm_site: Site) -> Play:
    """The deployment from nothing."""
    return bookworm_site.play("site").require_success()


@pytest.fixture(scope="module")
def admin(first: Play, bookworm: Machine, own_folder: Path) -> Iterator[Person]:
    """The administrator, who trusts the machine's own authority."""
    authority = own_folder / "authority.pem"
    own = "/var/lib/caddy/.local/share/caddy/pki/authorities/local/root.crt"
    authority.write_text(bookworm.run("cat", own))
    real = socket.getaddrinfo

    def look_up(host: Any, *arguments: Any, **options: Any) -> Any:
        return real(ADDRESS if host == HUB else host, *arguments, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", look_up)
        patched.setenv("SSL_CERT_FILE", str(authority))
        yield Person.log_in(f"https://{HUB}", "admin", secret(bookworm, "admin-password"))


@pytest.fixture(scope="module")
def kernel(admin: Person) -> Kernel:
    start_server(admin)
    return start_kernel(admin)


def test_old_compose_is_refused_before_anything_is_changed(bookworm_site: Site) -> None:
    own = ["-e", '{"docker_packages": ["docker.io", "docker-compose"]}']
    play = bookworm_site.play("site", *own)
    assert play.code != 0
    assert play.changed == 0
    assert "Leave docker_packages empty" in " ".join(play.output.split())


def test_check_mode_on_a_fresh_machine_announces_every_change(
    bookworm: Machine, bookworm_site: Site
) -> None:
    play = bookworm_site.play("site", "--check", "--diff").require_success()
    assert "Nothing of the platform is on hub yet" in " ".join(play.output.split())
    assert play.changed == 0
    assert not bookworm.succeeds("test", "-e", "/etc/km3net")


def test_machine_is_deployed_from_nothing(first: Play, bookworm: Machine) -> None:
    assert first.failed == 0
    assert 'VERSION_ID="12"' in bookworm.run("cat", "/etc/os-release")


def test_only_compose_is_installed_from_debian_13(first: Play, bookworm: Machine) -> None:
    assert bookworm.run("docker", "version", "--format={{.Server.Version}}").startswith("20.10")
    assert re.match(r"v?2\.", bookworm.run("docker", "compose", "version", "--short"))
    # What a distribution upgrade would bring, by where it would come from.
    assert "Debian:13" not in bookworm.run("apt-get", "--simulate", "dist-upgrade")
    candidate = bookworm.run("apt-cache", "policy", "libc6")
    assert re.search(r"Candidate: 2\.36", candidate), candidate
    held = bookworm.run("apt-cache", "policy", "docker-compose")
    assert re.search(r"Candidate: 2\.", held), held


def test_second_run_changes_nothing(first: Play, bookworm_site: Site) -> None:
    play = bookworm_site.play("site").require_success()
    assert play.changed == 0, play.output


def test_check_run_has_no_differences(first: Play, bookworm_site: Site) -> None:
    play = bookworm_site.play("site", "--check", "--diff").require_success()
    assert play.changed == 0, play.output


def test_user_works_over_a_secure_websocket(kernel: Kernel) -> None:
    assert kernel.run("import km3io; print(6 * 7)").strip() == "42"
    limit = "print(open('/sys/fs/cgroup/memory/memory.limit_in_bytes').read())"
    assert kernel.run(limit).strip() == str(1024**3)


def test_saved_file_is_read_back(first: Play, bookworm_site: Site, kernel: Kernel) -> None:
    kernel.run("from pathlib import Path; n = Path('mine.txt').write_text('precious')")
    bookworm_site.play("backup").require_success()
    kernel.run("Path('mine.txt').unlink()")
    bookworm_site.play(
        "restore_file", "-e", "backup_user=admin", "-e", "backup_file=mine.txt"
    ).require_success()
    found = "print([p.read_text() for p in Path('restored').rglob('mine.txt')])"
    assert kernel.run(found).strip() == "['precious']"


def test_verify_passes_on_a_good_host(bookworm_site: Site, admin: Person) -> None:
    stop_server(admin)
    play = bookworm_site.play("verify").require_success()
    assert "check ran a cell in stack" in " ".join(play.output.split())


def test_platform_is_removed(bookworm: Machine, bookworm_site: Site, admin: Person) -> None:
    said = ["-e", "platform_remove=km3net", "-e", "platform_remove_again='delete everything'"]
    bookworm_site.play("teardown", *said).require_success()
    assert not bookworm.run("docker", "ps", "--all", "--quiet")
    assert not bookworm.run("docker", "volume", "ls", "--quiet")
