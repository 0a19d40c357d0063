"""Wrong inventories of several machines are refused before anything is changed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.tests.site import Play, Site
from deploy.tests.test_validate import GOOD, ON_ALMA, local

GOOD_HUB = {"hub": {"swarm_address": "10.0.0.11"}}
GOOD_WORKER = {"worker1": {"swarm_address": "10.0.0.12"}}


def inventory(
    folder: Path, hosts: dict[str, dict[str, Any]], workers: dict[str, dict[str, Any]]
) -> Site:
    """An inventory whose machines are this one; only its facts are read."""
    site = local(folder, {})
    common = {"ansible_connection": "local", "ansible_become": False}
    common["ansible_python_interpreter"] = sys.executable

    def complete(machines: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        return {name: common | own for name, own in machines.items()}

    groups = {"hosts": complete(hosts), "children": {"workers": {"hosts": complete(workers)}}}
    (site.folder / "hosts.yml").write_text(yaml.safe_dump({"all": groups}))
    return site


def messages(play: Play) -> str:
    assert play.code != 0, play.output
    return " ".join(play.output.split())


def test_good_machines_are_accepted(tmp_path: Path) -> None:
    assert GOOD["platform_settings"] == {}
    inventory(tmp_path, GOOD_HUB, GOOD_WORKER).play("validate").require_success()


@pytest.mark.parametrize(
    ("hosts", "workers", "words"),
    [
        (GOOD_HUB | {"other": {}}, GOOD_WORKER, "it has hub, other"),
        (GOOD_HUB, {"worker1": {"swarm_address": "worker1.test"}}, "worker1 has 'worker1.test'"),
        (GOOD_HUB, {"worker1": GOOD_HUB["hub"]}, "each machine needs its own address"),
    ],
    ids=["two-hubs", "a-name", "same-address"],
)
def test_wrong_machines_are_refused(
    tmp_path: Path, hosts: dict[str, Any], workers: dict[str, Any], words: str
) -> None:
    assert words in messages(inventory(tmp_path, hosts, workers).play("validate"))


def test_hub_of_workers_needs_a_registry_that_almalinux_lacks(tmp_path: Path) -> None:
    site = inventory(tmp_path, {"hub": GOOD_HUB["hub"] | ON_ALMA}, GOOD_WORKER)
    assert "Give it Debian 13, or take the workers out" in messages(site.play("../tests/systems"))


def test_worker_may_have_almalinux(tmp_path: Path) -> None:
    worker = GOOD_WORKER["worker1"] | ON_ALMA | {"monitoring_enabled": True}
    site = inventory(tmp_path, GOOD_HUB, {"worker1": worker})
    site.play("../tests/systems").require_success()


def test_platform_with_workers_is_not_removed(tmp_path: Path) -> None:
    site = inventory(tmp_path, GOOD_HUB, GOOD_WORKER)
    said = ["-e", "platform_remove=km3net", "-e", "platform_remove_again='delete everything'"]
    assert "take the workers out first" in messages(site.play("teardown", *said))


def test_only_workers_are_scaled(tmp_path: Path) -> None:
    site = inventory(tmp_path, GOOD_HUB, GOOD_WORKER)
    play = site.play("scale", "-e", "scale_worker=hub", "-e", "scale_action=drain")
    assert "Write -e scale_worker=NAME, one of worker1" in messages(play)
