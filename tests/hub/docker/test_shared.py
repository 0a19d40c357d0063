"""Shared folders in containers: members work in one folder, others do not see it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import run
from tests.e2e.platforms import Person
from tests.e2e.servers import start_server
from tests.hub.docker.conftest import StartSite
from tests.hub.docker.platforms import PASSWORD, Site
from tests.waiting import wait_until

SETTINGS = """
homes: {backend: image, shared: {lab: {size: 40M, groups: [physicists]}}}
services: {opendata: {enabled: false}}
"""
MEMBERS, OUTSIDER = ("ada", "bob"), "eve"


@pytest.fixture(scope="module")
def site(start_site: StartSite, volumes: Path) -> Iterator[Site]:
    site = start_site(settings=SETTINGS, project="km3shared")
    yield site
    # Before the fixture `volumes` ends.
    site.platform.stop()


def accounts(site: Site, *words: str, typed: str = "") -> None:
    """Run `km3hub accounts`, as an administrator does."""
    run("docker", "exec", "-i", site.names.hub, "km3hub", "accounts", *words, input=typed)


@pytest.fixture(scope="module")
def people(site: Site) -> dict[str, Person]:
    """Two members and somebody else, whose servers run."""
    for name in (*MEMBERS, OUTSIDER):
        group = ["--groups", "physicists"] if name in MEMBERS else []
        accounts(site, "add", name, "--password-stdin", *group, typed=PASSWORD)
    found = {
        name: Person.log_in(site.platform.address, name, PASSWORD) for name in (*MEMBERS, OUTSIDER)
    }
    for person in found.values():
        start_server(person)
    return found


def shell(site: Site, person: Person, command: str) -> tuple[int, str]:
    """Run a command in a user's container, as in a terminal of Lab."""
    code, output = site.server(person).exec_run(["bash", "-c", command], user="1000")
    return code, output.decode(errors="replace").strip()


def test_members_edit_each_others_files(site: Site, people: dict[str, Person]) -> None:
    ada, bob = (people[name] for name in MEMBERS)
    assert shell(site, ada, "mkdir ~/shared/lab/fits && echo 1 > ~/shared/lab/fits/n") == (0, "")
    assert shell(site, bob, "cat ~/shared/lab/fits/n && echo 2 >> ~/shared/lab/fits/n") == (0, "1")
    assert shell(site, ada, "cat ~/shared/lab/fits/n") == (0, "1\n2")


def test_nobody_else_has_the_folder(site: Site, people: dict[str, Person]) -> None:
    eve = people[OUTSIDER]
    assert shell(site, eve, "ls ~/shared /shared")[0] != 0
    mounted = {mount.get("Name") for mount in site.server(eve).attrs["Mounts"]}
    assert site.names.shared("lab") not in mounted


def test_the_folder_has_a_limit_that_homes_do_not_share(
    site: Site, people: dict[str, Person]
) -> None:
    ada, bob = (people[name] for name in MEMBERS)
    code, text = shell(site, ada, "head -c 60M /dev/zero > ~/shared/lab/large")
    assert code != 0
    assert "No space left" in text or "quota" in text
    assert shell(site, bob, "echo kept > ~/own && cat ~/own ~/shared/lab/fits/n") == (
        0,
        "kept\n1\n2",
    )
    assert shell(site, bob, "rm ~/shared/lab/large && echo 3 >> ~/shared/lab/fits/n") == (0, "")


def test_a_former_member_loses_the_folder_and_nothing_else(
    site: Site, people: dict[str, Person]
) -> None:
    bob = people["bob"]
    accounts(site, "set", "bob", "--groups", "")
    with bob.client() as client:

        def stopped() -> bool:
            client.get("/hub/api/users/bob")  # the hub reads the account again
            return site.names.server("bob") not in site.servers()

        wait_until(stopped, seconds=120, what="the server of the former member is stopped")
    start_server(Person.log_in(site.platform.address, "bob", PASSWORD))
    assert shell(site, bob, "cat ~/own") == (0, "kept")
    assert shell(site, bob, "ls ~/shared/lab")[0] != 0
    assert shell(site, people["ada"], "cat ~/shared/lab/fits/n") == (0, "1\n2\n3")
