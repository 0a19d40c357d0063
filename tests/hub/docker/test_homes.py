"""Limits of homes in containers: one user fills a disk, the others work on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.commands import run
from tests.e2e.platforms import Person
from tests.e2e.servers import start_server, stop_server
from tests.hub.docker.conftest import StartSite
from tests.hub.docker.platforms import Site
from tests.waiting import wait_until

MB = 1 << 20
#: `scratch` needs a service, but homes have no limit yet.
BEFORE = "homes: {quota: null}"
AFTER = "homes: {quota: 60M, scratch: {size: 40M, purge_days: 7}, backend: image}"


@pytest.fixture(scope="module")
def site(start_site: StartSite, volumes: Path) -> Iterator[Site]:
    site = start_site(settings=BEFORE, project="km3homes")
    yield site
    # Before the fixture `volumes` ends.
    site.platform.stop()


def in_server(site: Site, person: Person, command: str) -> tuple[int, str]:
    """Run a command in a user's container, as in a terminal of Lab."""
    code, output = site.server(person).exec_run(["sh", "-c", command], user="1000")
    return code, output.decode(errors="replace").strip()


def free(site: Site, person: Person, folder: str) -> int:
    """Returns the bytes that `df` shows as available."""
    code, output = in_server(site, person, f"df --block-size=1 --output=avail {folder} | tail -1")
    assert code == 0, output
    return int(output)


def homes(site: Site) -> dict[tuple[str, str], dict[str, object]]:
    """Returns what `km3hub homes list` says."""
    shown = run("docker", "exec", site.names.hub, "km3hub", "homes", "list", "--json").stdout
    return {(use["user"], use["kind"]): use for use in json.loads(shown)}


@pytest.fixture(scope="module")
def ada(site: Site) -> Person:
    """A user whose home is older than the limits."""
    ada = site.add("ada")
    start_server(ada)
    code, output = in_server(site, ada, "echo important > ~/result.txt; seq 1000000 > ~/large")
    assert code == 0, output
    stop_server(ada)
    result = site.platform.config
    result.write_text(AFTER)
    port = str(site.platform.port)
    done = site.platform.command("up", "--mode", "docker", "--port", port)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Homes    limits are enforced by a file system of its own for each home" in done.stdout
    start_server(ada)
    return ada


@pytest.fixture(scope="module")
def bob(site: Site, ada: Person) -> Person:
    bob = site.add("bob")
    start_server(bob)
    return bob


def test_a_home_of_old_is_taken_over_with_its_files(site: Site, ada: Person) -> None:
    code, text = in_server(site, ada, "cat ~/result.txt; md5sum < ~/large; stat -c %u:%g ~ ~/large")
    assert code == 0
    # `seq 1000000 | md5sum`
    digest = run("sh", "-c", "seq 1000000 | md5sum").stdout.split()[0]
    assert text.split() == ["important", digest, "-", "1000:1000", "1000:1000"]
    assert free(site, ada, "~") < 60 * MB


def test_one_user_fills_the_home_and_the_neighbour_works_on(
    site: Site, ada: Person, bob: Person
) -> None:
    code, text = in_server(site, ada, "head -c 500M /dev/urandom > ~/filler")
    assert code
    assert "No space left on device" in text
    assert free(site, ada, "~") < MB
    assert in_server(site, bob, "head -c 20M /dev/urandom > ~/work && stat -c %s ~/work") == (
        0, str(20 * MB),
    )  # fmt: skip
    use = homes(site)[("ada", "home")]
    assert isinstance(use["limit"], int)
    assert abs(use["limit"] - 60 * MB) < MB


def test_the_user_is_told_in_lab(site: Site, ada: Person) -> None:
    def texts() -> list[str]:
        with ada.client() as client:
            answer = client.get(f"/user/{ada.name}/km3/notices")
        return [n["text"] for n in answer.json()["notices"] if n["topic"] == "space-home"]

    wait_until(lambda: texts() != [], seconds=90, what="the notice appears")
    assert texts() == ["Your home is full: 0 bytes of 60 MB left."]


def test_saving_in_a_full_home_fails_with_a_sentence(site: Site, ada: Person) -> None:
    with ada.client() as client:
        content = {"type": "file", "format": "text", "content": "x" * 5 * MB}
        answer = client.put(f"/user/{ada.name}/api/contents/new.txt", json=content)
    assert answer.status_code == 507
    assert "The disk is full: new.txt could not be saved." in answer.json()["message"]


def test_a_new_quota_applies_without_any_restart(site: Site, ada: Person, bob: Person) -> None:
    started = {
        name: site.container(name).attrs["State"]["StartedAt"]
        for name in (site.names.hub, site.names.homes, site.names.server("ada"))
    }
    text = AFTER.replace("60M", "100M")
    site.platform.config.write_text(text)
    wait_until(lambda: free(site, ada, "~") > 30 * MB, seconds=60, what="the home is larger")
    # A smaller one than the home contains is refused, with the figure.
    site.platform.config.write_text(AFTER.replace("60M", "30M"))
    wait_until(lambda: free(site, bob, "~") < 12 * MB, seconds=60, what="the home is smaller")
    note = homes(site)[("ada", "home")]["note"]
    assert "more than its limit of 30.0 MB" in str(note)
    assert free(site, ada, "~") < MB
    in_server(site, ada, "rm ~/filler")
    site.platform.config.write_text(text)
    wait_until(lambda: free(site, ada, "~") > 80 * MB, seconds=60, what="the home is larger")
    assert started == {name: site.container(name).attrs["State"]["StartedAt"] for name in started}


def test_scratch_is_a_folder_of_its_own(site: Site, bob: Person) -> None:
    _, text = in_server(site, bob, "head -c 100M /dev/zero > ~/scratch/filler; rm /scratch/*")
    assert "No space left on device" in text
    assert abs(free(site, bob, "/scratch") - 40 * MB) < 2 * MB
    with bob.client() as client:
        page = client.get(f"/user/{bob.name}/api/contents/Welcome.md").json()["content"]
    assert "files that you have not used for 7 days are deleted" in page


def test_a_restarted_service_finds_every_home(site: Site, ada: Person) -> None:
    before = homes(site)[("ada", "home")]["limit"]
    site.container(site.names.homes).kill()
    run("docker", "start", site.names.homes)
    wait_until(lambda: homes(site) != {}, seconds=60, what="it answers", ignoring=Exception)
    after = homes(site)[("ada", "home")]["limit"]
    assert abs(int(str(before)) - int(str(after))) < MB
    assert in_server(site, ada, "cat ~/result.txt") == (0, "important")


def test_users_servers_see_neither_socket_nor_disks(site: Site, bob: Person) -> None:
    code, text = in_server(site, bob, "ls /run/km3homes /volumes /dev/loop-control /dev/loop0")
    assert code
    assert text.count("No such file") == 4


def test_the_service_has_no_network_and_no_engine(site: Site, ada: Person) -> None:
    described = site.container(site.names.homes).attrs
    assert described["HostConfig"]["NetworkMode"] == "none"
    assert described["HostConfig"]["Privileged"] is False
    assert "docker.sock" not in json.dumps(described["Mounts"])
    # Nothing of other projects can be named.
    ask = '{"do": "remove", "kind": "home", "user": "../km3net-state"}'
    program = (
        "import socket,sys; s=socket.socket(socket.AF_UNIX);"
        " s.connect('/run/km3homes/homes.sock'); s.sendall(sys.argv[1].encode()+b'\\n');"
        " print(s.makefile().readline())"
    )
    answer = run("docker", "exec", site.names.hub, "python", "-c", program, ask).stdout
    assert "is not the name of a home" in answer


def test_without_the_service_no_server_starts_on_an_empty_home(site: Site, ada: Person) -> None:
    stop_server(ada)
    site.container(site.names.homes).stop()
    with ada.client() as client:
        client.post(f"/hub/api/users/{ada.name}/server", json={})
        wait_until(
            lambda: "could not be made ready" in client.get(
                f"/hub/api/users/{ada.name}/server/progress"
            ).text,
            seconds=60,
            what="the start fails",
        )  # fmt: skip
    run("docker", "start", site.names.homes)
    wait_until(lambda: homes(site) != {}, seconds=60, what="it answers", ignoring=Exception)
    start_server(ada)
    assert in_server(site, ada, "cat ~/result.txt") == (0, "important")


def homes_state(site: Site) -> object:
    """Whether the status page says that the service works."""
    services = httpx.get(f"{site.platform.address}/hub/status.json", timeout=30).json()["services"]
    return {service["name"]: service["works"] for service in services}.get("homes")


def test_an_administrator_learns_that_the_service_ended(site: Site, ada: Person) -> None:
    check = ["docker", "exec", site.names.hub, "km3hub", "check"]
    token = run("docker", "exec", site.names.hub, "cat", "/srv/km3hub/secret-metrics").stdout
    assert "users' files" not in run(*check, status=None).stderr
    wait_until(lambda: homes_state(site) is True, seconds=150, what="it works")
    site.container(site.names.homes).stop()
    try:
        done = run(*check, status=1)
        assert "users' files are not available, so no server can start" in done.stderr
        assert f"docker logs {site.names.homes}" in done.stderr
        wait_until(lambda: homes_state(site) is False, seconds=150, what="the page reports it")
        numbers = httpx.get(
            f"{site.platform.address}/hub/metrics",
            headers={"Authorization": f"token {token.strip()}"},
            timeout=30,
        ).text
        assert 'km3net_service_works{service="homes"} 0.0' in numbers
    finally:
        run("docker", "start", site.names.homes)
        wait_until(lambda: homes(site) != {}, seconds=60, what="it answers", ignoring=Exception)


def test_make_up_waits_for_the_service(
    site: Site, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    up = ("up", "--mode", "docker", "--port", str(site.platform.port))
    with monkeypatch.context() as other:
        # An image that holds another program.
        other.setenv("KM3_IMAGE_HOMES", "km3net/broker")
        done = site.platform.command(*up)
        assert done.returncode != 0
        assert "The limits of homes (homes.quota) could not be put into effect" in done.stderr
        assert f"docker logs {site.names.homes}" in done.stderr
    done = site.platform.command(*up)
    assert done.returncode == 0, done.stdout + done.stderr
    # It answers at once, not some time later.
    assert ("ada", "home") in homes(site)


def test_clean_leaves_no_mount_and_no_volume(site: Site, ada: Person, volumes: Path) -> None:
    site.platform.stop()
    assert not list(volumes.glob("km3homes-*"))
    mounted = Path("/proc/self/mountinfo").read_text()
    assert "km3homes-home" not in mounted
    assert "km3homes-scratch" not in mounted
