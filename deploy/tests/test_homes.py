"""Limits of homes on a deployed machine: held, and the same after the machine was lost."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy.tests.certificates import Authority
from deploy.tests.conftest import AUTHORITY, secret
from deploy.tests.containers import Machine, docker, start_machine
from deploy.tests.site import KEEP, Site, kept_folder, ssh_key
from tests.e2e.platforms import Person
from tests.e2e.servers import start_kernel, start_server, stop_server

HUB = "homes.test"
ADDRESSES = {"image": "10.199.250.61", "btrfs": "10.199.250.62"}
REPOSITORY = "/var/backups/km3net"
VOLUMES = "/var/lib/docker/volumes"
HOME = f"{VOLUMES}/km3net-home-admin/_data"
MB = 1 << 20
QUOTA = 60 * MB
#: What the playbook says about each.
SENTENCES = {
    "image": "limits are enforced by a file system of its own for each home",
    "btrfs": "limits are enforced by btrfs quota groups",
}
#: Containers have no devices but those that they are given; a machine has them.
LOOPS = """
set -eu
mknod /dev/loop-control c 10 237
for number in $(seq 0 255); do mknod "/dev/loop$number" b 7 "$number"; done
"""
#: A disk with btrfs for Docker's volumes, as an administrator mounts one before the deployment.
BTRFS = f"""
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get -q update && apt-get -q install --yes --no-install-recommends btrfs-progs
truncate --size 4G /var/lib/docker/disk
mkfs.btrfs --quiet /var/lib/docker/disk
mkdir {VOLUMES}
mount -o loop /var/lib/docker/disk {VOLUMES}
"""
#: Files of every size, a name with blanks, a link and a program.
WORK = """
import os, pathlib
top = pathlib.Path('work/deep')
top.mkdir(parents=True)
(top / 'data.bin').write_bytes(os.urandom(20 << 20))
(top / 'a name with blanks').write_text('precious')
(top / 'empty').touch()
os.symlink('data.bin', top / 'link')
(top / 'program').write_text('#!/bin/sh\\n')
os.chmod(top / 'program', 0o750)
"""
#: Writes until the limit; prints the error and the bytes that fitted.
FILL = """
import errno, os
written = 0
try:
    with open('filler', 'wb', buffering=0) as file:
        while written < 400 << 20:
            written += file.write(os.urandom(1 << 20))
            os.fsync(file.fileno())
    print('no limit', written)
except OSError as error:
    print(errno.errorcode[error.errno], written)
os.remove('filler')
"""


@dataclass
class Limited:
    """A platform whose homes have limits.

    Parameters
    ----------
    kind
        The backend that enforces them.
    """

    kind: str
    machine: Machine
    site: Site
    said: str
    """The output of the first deployment."""

    def admin(self) -> Person:
        """The administrator, with a server."""
        person = Person.log_in(f"https://{HUB}", "admin", secret(self.machine, "admin-password"))
        start_server(person)
        return person

    def limit(self) -> int:
        """Returns what the administrator's home may contain, in bytes."""
        shown = ("docker", "exec", "km3net-hub", "km3hub", "homes", "list", "--json")
        homes: list[dict[str, Any]] = json.loads(self.machine.run(*shown))
        (found,) = [
            use["limit"] for use in homes if (use["user"], use["kind"]) == ("admin", "home")
        ]
        assert isinstance(found, int), homes
        return found

    def files(self) -> str:
        """Returns sums, owners, modes and times of the user's files."""
        # The size of a folder is the file system's own affair.
        every = (
            "find work -type d -printf '%p %y %u %g %m %T@\\n'"
            " -o -printf '%p %y %u %g %m %s %l %T@\\n' | sort"
        )
        sums = "find work -type f -print0 | sort -z | xargs -0 sha256sum"
        return self.machine.run("bash", "-c", f"set -e; cd {HOME}; {every}; {sums}")


@pytest.fixture(scope="module")
def own_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kept_folder("kept-homes") if KEEP else tmp_path_factory.mktemp("homes")


@pytest.fixture(scope="module")
def own_authority(own_folder: Path) -> Authority:
    folder = own_folder / "authority"
    folder.mkdir(exist_ok=True)
    return Authority(folder)


@pytest.fixture(scope="module")
def names(own_authority: Authority, kind: str) -> Iterator[None]:
    """Name resolution and trust of the tests, as if the host name were in DNS."""
    real = socket.getaddrinfo

    def look_up(host: Any, *arguments: Any, **options: Any) -> Any:
        return real(ADDRESSES[kind] if host == HUB else host, *arguments, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", look_up)
        patched.setenv("SSL_CERT_FILE", str(own_authority.file))
        yield


@pytest.fixture(scope="module", params=list(SENTENCES))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def fresh(
    kind: str, target_image: str, own_folder: Path, own_authority: Authority
) -> Callable[[], Machine]:
    """Starts an empty machine with a disk for homes in place of the previous one."""
    if not Path("/dev/loop-control").exists():
        pytest.skip("the kernel has no loop devices: modprobe loop")
    public = ssh_key(own_folder).with_suffix(".pub").read_text().strip()

    def start() -> Machine:
        (own_folder / "known_hosts").unlink(missing_ok=True)
        address = ADDRESSES[kind]
        machine = start_machine(
            f"homes-{kind}",
            address,
            image=target_image,
            public_key=public,
            hosts=[f"{HUB}:{address}"],
        )
        docker("cp", str(own_authority.file), f"{machine.name}:{AUTHORITY}")
        machine.run("sh", "-c", LOOPS)
        if kind == "btrfs":
            machine.run("sh", "-c", BTRFS)
        return machine

    return start


@pytest.fixture(scope="module")
def limited(
    kind: str,
    fresh: Callable[[], Machine],
    own_folder: Path,
    own_authority: Authority,
    names: None,
) -> Iterator[Limited]:
    """The platform on a machine of its own, deployed from nothing."""
    certificate, key = own_authority.issue("homes", [HUB])
    settings = {
        "platform_hub_name": HUB,
        "platform_settings": {
            "site": {"name": "Test site", "contact": f"help@{HUB}"},
            "environments": [{"name": "stack", "title": "KM3NeT stack", "image": "km3net/stack"}],
            "sizes": [{"name": "small", "memory": "1G", "cpu": 1}],
            "services": {"opendata": {"enabled": False}},
            "homes": {"quota": "60M", "backend": kind},
        },
        "proxy_tls": "files",
        "proxy_certificate": str(certificate),
        "proxy_key": str(key),
        "monitoring_enabled": False,
        "backup_repository": REPOSITORY,
        "backup_password": "{{ vault_backup_password }}",
        "verify_authority": AUTHORITY,
    }
    site = Site(own_folder / f"inventory-{kind}", ADDRESSES[kind], ssh_key(own_folder), settings)
    found = Limited(kind, fresh(), site, "")
    found.said = site.play("site").require_success().output
    yield found
    if not KEEP:
        found.machine.remove()


def fills(person: Person) -> tuple[str, int]:
    """Returns the error of writing more than the limit, and the bytes that fitted."""
    error, _, written = start_kernel(person).run(FILL).strip().rpartition(" ")
    return error, int(written)


def test_playbook_reports_what_enforces_the_limits(limited: Limited) -> None:
    assert SENTENCES[limited.kind] in " ".join(limited.said.split())


def test_second_run_changes_nothing(limited: Limited) -> None:
    play = limited.site.play("site").require_success()
    assert play.changed == 0, play.output


def test_home_holds_no_more_than_its_limit(limited: Limited) -> None:
    error, written = fills(limited.admin())
    assert error in ("ENOSPC", "EDQUOT")
    assert 30 * MB < written <= QUOTA
    assert abs(limited.limit() - QUOTA) < MB


def test_lost_file_is_restored_to_a_limited_home(limited: Limited) -> None:
    kernel = start_kernel(limited.admin())
    kernel.run("from pathlib import Path; n = Path('mine.txt').write_text('precious')")
    limited.site.play("backup").require_success()
    kernel.run("Path('mine.txt').unlink()")
    limited.site.play(
        "restore_file", "-e", "backup_user=admin", "-e", "backup_file=mine.txt"
    ).require_success()
    found = "print([p.read_text() for p in Path('restored').rglob('mine.txt')])"
    assert kernel.run(found).strip() == "['precious']"


def test_lost_machine_is_restored_with_the_same_bytes_and_limits(
    limited: Limited, fresh: Callable[[], Machine], tmp_path: Path
) -> None:
    person = limited.admin()
    start_kernel(person).run(WORK)
    stop_server(person)
    files, limit = limited.files(), limited.limit()
    assert "data.bin" in files
    limited.site.play("backup").require_success()
    repository = tmp_path / "repository.tar"
    limited.machine.pack(REPOSITORY, repository)
    limited.machine.remove()

    limited.machine = fresh()
    limited.machine.unpack(repository, REPOSITORY)
    said = limited.site.play("restore").require_success().output
    assert SENTENCES[limited.kind] in " ".join(said.split())
    assert limited.files() == files
    # The user's next server takes the home over, with its limit.
    again = limited.admin()
    assert limited.files() == files
    assert abs(limited.limit() - limit) < MB
    error, written = fills(again)
    assert error in ("ENOSPC", "EDQUOT")
    # The restored files count.
    assert 10 * MB < written <= QUOTA - 20 * MB
    limited.site.play("verify", "-e", "verify_backup_hours=1000").require_success()
