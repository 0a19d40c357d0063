"""One platform on two machines: where users' servers run, and the loss of a machine."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from deploy.tests.containers import await_boot, docker, eventually, runs
from deploy.tests.several.conftest import ADDRESSES, Platform
from deploy.tests.several.people import starts
from tests.e2e.platforms import Person
from tests.e2e.servers import Kernel, start_kernel, start_server, stop_server

SUMS = "cd /var/lib/docker/volumes/km3net-home-ada/_data && sha256sum mine.txt"


@pytest.fixture(scope="module")
def ada(platform: Platform) -> Person:
    """The first user."""
    person = platform.person("ada")
    began = time.monotonic()
    start_server(person)
    print(f"server on {platform.machine_of('ada')}: {time.monotonic() - began:.1f} s")
    return person


@pytest.fixture(scope="module")
def bob(platform: Platform, ada: Person) -> Person:
    """The second user."""
    person = platform.person("bob")
    began = time.monotonic()
    start_server(person)
    print(f"server on {platform.machine_of('bob')}: {time.monotonic() - began:.1f} s")
    return person


@pytest.fixture(scope="module")
def kernel(bob: Person) -> Kernel:
    """A kernel on the hub's machine with a variable in memory."""
    kernel = start_kernel(bob)
    kernel.run("kept = 42")
    return kernel


def refusal(person: Person) -> str:
    """Returns the message to a user whose server cannot start."""
    with pytest.raises(AssertionError) as caught:
        start_server(person)
    return str(caught.value)


def test_second_run_changes_nothing(platform: Platform) -> None:
    play = platform.play("site").require_success()
    assert play.changed == 0, play.output


def test_servers_start_on_both_machines(platform: Platform, ada: Person, bob: Person) -> None:
    assert {platform.machine_of("ada"), platform.machine_of("bob")} == {"hub", "worker1"}
    for person in (ada, bob):
        assert start_kernel(person).run("import km3io; print(6 * 7)").strip() == "42"


def test_home_is_kept_after_a_restart(platform: Platform, ada: Person) -> None:
    start_kernel(ada).run("from pathlib import Path; Path('mine.txt').write_text('precious')")
    before = platform.machine_of("ada")
    began = time.monotonic()
    stop_server(ada)
    print(f"stopped in {time.monotonic() - began:.1f} s")
    assert platform.machine_of("ada") == ""
    start_server(ada)
    assert platform.machine_of("ada") == before
    assert start_kernel(ada).run("print(open('mine.txt').read())").strip() == "precious"


PROBE = """
import socket
def said(host, port):
    with socket.socket() as s:
        s.settimeout(2)
        try:
            s.connect((host, port))
            s.sendall(b'GET /api HTTP/1.0\\r\\nHost: x\\r\\n\\r\\n')
            return s.recv(200)
        except OSError:
            return None
for host, port in {targets}:
    answer = said(host, port)
    if answer is not None and {word!r} in answer:
        print(host, port)
"""


def test_server_reaches_no_machine_and_no_other_server(
    platform: Platform, ada: Person, bob: Person, kernel: Kernel
) -> None:
    ask = (
        "import subprocess; print(*subprocess.check_output(['hostname', '-I'], text=True).split())"
    )
    addresses = kernel.run(ask).split()
    mine = start_kernel(ada)

    def answers(targets: list[tuple[str, int]], word: bytes = b"") -> list[str]:
        return mine.run(PROBE.format(targets=targets, word=word)).splitlines()

    machines = [(a, p) for a in ADDRESSES.values() for p in (22, 80, 443, 2377, 5000, 7946)]
    assert answers([*machines, ("169.254.169.254", 80)]) == []
    # What is in front of the tests' own network may accept any connection; a server says who it is.
    overlay = next(address for address in addresses if address.startswith("10.201."))
    assert kernel.run(PROBE.format(targets=[(overlay, 8888)], word=b"TornadoServer")) != ""
    assert answers([(overlay, 8888)], b"TornadoServer") == []
    # Its own hub is reached, the proxy's port that routes are set by is not.
    assert answers([("hub", 8081)], b"TornadoServer") == ["hub 8081"]
    assert answers([("hub", 8001)]) == []


def test_server_has_limits_and_no_privileges(ada: Person) -> None:
    said = start_kernel(ada).run(
        "print({l.split()[0]: l.split()[1] for l in open('/proc/self/status')"
        " if l.split()[0] in ('CapEff:', 'CapBnd:', 'NoNewPrivs:', 'Uid:')})\n"
        "print(open('/sys/fs/cgroup/memory/memory.limit_in_bytes').read().strip())\n"
        "print(open('/sys/fs/cgroup/pids/pids.max').read().strip())\n"
        "try: open('/opt/mine', 'w')\n"
        "except OSError as error: print(error.strerror)\n"
    )
    assert "'CapEff:': '0000000000000000'" in said
    assert "'CapBnd:': '0000000000000000'" in said
    assert "'NoNewPrivs:': '1'" in said
    assert "'Uid:': '1000'" in said
    assert str(1024**3) in said
    assert "\n512\n" in said
    assert "Read-only file system" in said


def test_homes_of_both_machines_are_saved(platform: Platform, ada: Person) -> None:
    platform.play("backup").require_success()
    for name, user in ((platform.machine_of("ada"), "ada"), (platform.machine_of("bob"), "bob")):
        machine = platform.machines[name]
        assert machine.run("ls", "/var/backups/km3net/snapshots").strip()
        assert f"km3net-home-{user}" in machine.run("cat", "/var/lib/km3net/backup/volumes.json")


def test_drained_worker_stops_servers_with_notice_and_keeps_the_homes(
    platform: Platform, ada: Person, kernel: Kernel
) -> None:
    name = platform.machine_of("ada")
    assert name == "worker1"
    before = platform.machines[name].run("bash", "-c", SUMS)
    options = ["-e", "scale_worker=worker1", "-e", "scale_minutes=0.3"]

    def notified() -> bool:
        with ada.client() as client:
            answer = client.get("/user/ada/km3/notices")
        return answer.is_success and "stops in 0.3 minutes" in answer.text

    with ThreadPoolExecutor(1) as pool:
        play = pool.submit(platform.play, "scale", *options, "-e", "scale_action=drain")
        eventually(notified, "ada is notified", seconds=60)
        assert platform.machine_of("ada") == "worker1"
        play.result().require_success()
    assert platform.machine_of("ada") == ""
    assert kernel.run("print(kept)").strip() == "42"
    assert "worker1, which is being serviced" in refusal(ada)
    eve = platform.person("eve")
    start_server(eve)
    assert platform.machine_of("eve") == "hub"
    stop_server(eve)
    assert platform.machines[name].run("bash", "-c", SUMS) == before
    platform.play("scale", *options, "-e", "scale_action=open").require_success()
    eventually(lambda: starts(ada), "ada's server starts again", seconds=60)
    assert start_kernel(ada).run("print(open('mine.txt').read())").strip() == "precious"


def test_worker_with_homes_is_not_removed(platform: Platform, ada: Person) -> None:
    play = platform.play("scale", "-e", "scale_worker=worker1", "-e", "scale_action=remove")
    assert play.code != 0
    said = " ".join(play.output.split())
    assert "worker1 has the homes of ada" in said
    assert platform.machine_of("ada") == "worker1"


def test_password_of_the_registry_is_in_no_journal(platform: Platform) -> None:
    file = "/opt/km3net/secrets/registry-password"
    for machine in platform.machines.values():
        password = machine.run("cat", file).strip()
        assert len(password) == 48
        assert machine.run("stat", "-c", "%a %U", file).strip() == "600 root"
        assert password not in machine.run("journalctl", "--no-pager")


def test_unreachable_registry_is_reported_and_stops_nobody(
    platform: Platform, ada: Person, kernel: Kernel
) -> None:
    hub, worker = platform.machines["hub"], platform.machines["worker1"]
    hub.run("systemctl", "stop", "docker-registry")
    try:
        assert kernel.run("print(kept)").strip() == "42"
        stop_server(ada)
        start_server(ada)
        assert platform.machine_of("ada") == "worker1"
        said = hub.run("km3net-verify", "--only", "services", check=False)
        assert "docker-registry does not run" in said
        lost = f"{ADDRESSES['hub']}:5000"
        digest = "sha256:" + "0" * 64
        secret = "--password-file=/opt/km3net/secrets/registry-password"
        asked = f"km3net-registry pull {lost} km3net/stack:9 {digest} --digest {digest} {secret}"
        notified = worker.run("sh", "-c", f"{asked} 2>&1", check=False)
        assert f"cannot log in to the registry {lost}" in notified
        assert "Running servers are not affected" in notified
    finally:
        hub.run("systemctl", "start", "docker-registry")


def test_lost_worker_is_not_noticed_by_the_others(
    platform: Platform, ada: Person, bob: Person, kernel: Kernel
) -> None:
    worker = platform.machines["worker1"]
    docker("kill", worker.name)
    assert not runs(worker.name)
    began = time.monotonic()
    slowest = 0.0

    def gone() -> bool:
        nonlocal slowest
        asked = time.monotonic()
        with bob.client() as client:
            assert client.get(f"/user/bob/api/kernels/{kernel.id}").is_success
        slowest = max(slowest, time.monotonic() - asked)
        with ada.client() as client:
            return not client.get("/hub/api/users/ada").json()["servers"]

    eventually(gone, "the hub knows that ada's server is gone", seconds=120)
    print(
        f"known after {time.monotonic() - began:.0f} s; bob's slowest answer took {slowest:.1f} s"
    )
    assert slowest < 5
    assert kernel.run("print(kept)").strip() == "42"
    assert "worker1, which does not answer" in refusal(ada)

    docker("start", worker.name)
    await_boot(worker)
    eventually(lambda: starts(ada), "ada's server starts again", seconds=120)
    assert platform.machine_of("ada") == "worker1"
    assert start_kernel(ada).run("print(open('mine.txt').read())").strip() == "precious"
    assert kernel.run("print(kept)").strip() == "42"


def test_hub_passes_all_checks_at_the_end(platform: Platform, bob: Person) -> None:
    with httpx.Client(timeout=10) as client:
        assert client.get(f"{bob.address}/hub/health").is_success
    platform.play("verify").require_success()
