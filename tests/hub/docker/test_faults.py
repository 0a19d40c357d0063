"""Faults while people work: users read what happened, and nothing blocks the next start."""

from __future__ import annotations

import contextlib
import io
import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.platforms import Person, start
from tests.e2e.servers import start_kernel, start_server
from tests.hub.docker.conftest import StartSite
from tests.hub.docker.platforms import Site
from tests.hub.docker.relay import Relay
from tests.hub.docker.test_restarts import kill
from tests.waiting import wait_until

SETTINGS = """
site: {contact: help@example.org}
environments:
  - {name: stack, title: KM3NeT stack, image: km3net/stack}
  - {name: gone, title: Old analysis, image: "km3t/gone"}
  - {name: broken, title: Broken one, image: "km3t/broken"}
  - {name: greedy, title: Greedy one, image: "km3t/greedy"}
sizes:
  - {name: small, title: Small, memory: 2G, cpu: 1}
  - {name: tiny, title: Tiny, memory: 256M, cpu: 1}
"""


@pytest.fixture(scope="module")
def site(start_site: StartSite) -> Iterator[Site]:
    import docker

    engine = docker.from_env()
    engine.images.get("km3net/stack").tag("km3t/gone")
    engine.images.get("km3net/proxy").tag("km3t/broken")  # is not a JupyterLab, and ends at once
    greedy = b'FROM km3net/stack\nCMD ["python", "-c", "x = b\'x\' * 10**9"]\n'
    engine.images.build(fileobj=io.BytesIO(greedy), tag="km3t/greedy", rm=True, forcerm=True)
    yield start_site(SETTINGS)
    for name in ("km3t/gone", "km3t/broken", "km3t/greedy"):
        if engine.images.list(name):
            engine.images.remove(name, force=True)


def start_fails(person: Person, **options: str) -> str:
    """Returns the message to the user."""
    with person.client() as client:
        path = f"/hub/api/users/{person.name}/server"
        answer = client.post(path, json=options)
        if answer.status_code == 202:
            with client.stream("GET", f"{path}/progress") as events:
                for line in events.iter_lines():
                    if line.startswith("data:") and "failed" in line:
                        return str(json.loads(line.removeprefix("data:"))["message"])
    assert answer.status_code == 503, answer.text
    return str(answer.json()["message"])


def servers(person: Person) -> object:
    """What the hub lists; a server that it is stopping is still there."""
    with person.client() as client:
        return client.get(f"/hub/api/users/{person.name}").json()["servers"]


def nothing_is_left(site: Site, person: Person) -> None:
    name = site.names.server(person.name)
    wait_until(
        lambda: name not in site.servers() + site.networks(),
        seconds=60,
        what=f"{name} is gone",
        ignoring=Exception,
    )


def test_image_deleted_after_the_menu_was_shown(site: Site) -> None:
    person = site.add("ada")
    site.engine.images.remove("km3t/gone", force=True)
    message = start_fails(person, environment="gone")
    assert "“Old analysis” is no longer installed on this machine" in message
    assert "help@example.org" in message
    nothing_is_left(site, person)
    start_server(person, {"environment": "stack"})


def test_server_that_ends_at_its_start_says_why(site: Site) -> None:
    person = site.add("bob")
    message = start_fails(person, environment="broken")
    assert "stopped while it was starting" in message
    assert "CONFIGPROXY_AUTH_TOKEN" in message  # the program's own last words
    nothing_is_left(site, person)


def test_server_that_needs_more_memory_than_its_size_names_the_limit(site: Site) -> None:
    person = site.add("carol")
    message = start_fails(person, environment="greedy", size="tiny")
    assert "It exceeded its memory limit of 256 MB" in message
    nothing_is_left(site, person)


def network_is_there(site: Site, name: str) -> bool:
    return name in site.networks()


def container_is_there(site: Site, name: str) -> bool:
    return name in site.servers()


@pytest.mark.parametrize(
    ("user", "moment"), [("dave", network_is_there), ("erin", container_is_there)]
)
def test_hub_killed_during_a_start(
    site: Site, user: str, moment: Callable[[Site, str], bool]
) -> None:
    person = site.add(user)
    name = site.names.server(user)

    def ask() -> None:
        # The hub is killed meanwhile.
        with person.client() as client, contextlib.suppress(httpx.HTTPError):
            client.post(f"/hub/api/users/{user}/server", json={})

    asking = threading.Thread(target=ask)
    asking.start()
    while not moment(site, name):
        assert asking.is_alive(), "the start ended before the moment came"
    kill(site, site.names.hub, "km3hub.hub")
    asking.join()
    wait_until(
        lambda: httpx.get(f"{site.platform.address}/hub/health", timeout=60).is_success,
        seconds=60,
        what="the hub is up",
        ignoring=Exception,
    )
    start_server(person)
    assert start_kernel(person).run("print(6 * 7)") == "42\n"
    assert site.servers().count(name) == site.networks().count(name) == 1


def test_server_that_died_is_noticed_and_cleaned_away(site: Site) -> None:
    person = site.add("frank")
    start_server(person)
    site.server(person).kill()
    nothing_is_left(site, person)
    wait_until(
        lambda: servers(person) == {},
        seconds=60,
        what="the hub has put the server away",
        ignoring=Exception,
    )
    start_server(person)


def test_flushed_packet_filter_is_restored(site: Site) -> None:
    firewall = site.container(site.names.firewall)
    assert firewall.exec_run(["km3-firewall", "check"]).exit_code == 0
    firewall.exec_run(["km3-firewall", "remove"])
    wait_until(
        lambda: firewall.exec_run(["km3-firewall", "check"]).exit_code == 0,
        seconds=60,
        what="the rules are back",
        ignoring=Exception,
    )


def test_without_packet_filter_nobody_starts(site: Site) -> None:
    person = site.add("grace")
    site.container(site.names.firewall).stop(timeout=5)
    try:
        assert "packet filter" in start_fails(person)
    finally:
        site.container(site.names.firewall).start()
    wait_until(
        lambda: start_server(person) is None,
        seconds=60,
        what="servers start again",
        ignoring=Exception,
    )


@pytest.fixture
def away(
    engine_and_images: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Site, Relay]]:
    """A platform whose engine can go away while its containers run on."""
    folder = Path(os.path.realpath(tmp_path)) / "s"
    folder.mkdir()
    relay = Relay(folder / "docker.sock")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{relay.path}")
    platform = start("docker", tmp_path, project="km3t-away")
    monkeypatch.delenv("DOCKER_HOST")
    site = Site(platform)
    yield site, relay
    relay.mend()
    site.platform.stop()
    relay.close()


def test_engine_away_while_people_work(away: tuple[Site, Relay]) -> None:
    site, relay = away
    ada, bob, eve = site.add("ada"), site.add("bob"), site.add("eve")
    for person in (ada, bob):
        start_server(person)
    kernel = start_kernel(ada)
    kernel.run("x = 5")
    relay.cut()
    assert "Docker Engine of this site is not responding" in start_fails(eve)
    assert kernel.run("print(x)") == "5\n"
    site.server(bob).remove(force=True)
    # Longer than the hub's interval of polls: nobody is taken for dead meanwhile.
    log = site.container(site.names.hub)
    wait_until(
        lambda: b"The Docker Engine is not responding" in log.logs(),
        seconds=90,
        what="the hub noticed",
        ignoring=Exception,
    )
    with ada.client() as client:
        assert client.get("/hub/api/users/ada").json()["servers"][""]["ready"]
    relay.mend()
    wait_until(
        lambda: servers(bob) == {},
        seconds=90,
        what="the hub notices the server that died meanwhile",
        ignoring=Exception,
    )
    assert kernel.run("print(x)") == "5\n"
    start_server(eve)
