"""The hub's own way to the Docker Engine, in a running platform."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bench.broker import give_engine
from tests.broker.attempts import ATTEMPTS, Stage
from tests.broker.running import Socket
from tests.broker.stages import require_refused, stage
from tests.e2e.servers import start_kernel, start_server, stop_server
from tests.hub.docker.platforms import Site
from tests.hub.docker.test_restarts import SECRET, kill, still_there
from tests.waiting import wait_until

#: What somebody tries who can run anything in the hub's container.
INSIDE = """
import glob, json, os, docker
from docker.utils import kwargs_from_env
found = {"sockets": glob.glob("/run/**/*.sock", recursive=True), "groups": os.getgroups(),
         "var": os.path.exists("/var/run/docker.sock")}
client = docker.APIClient(version="1.41", **kwargs_from_env())
def attempt(name, function):
    try:
        function()
        found[name] = "done"
    except Exception as error:
        found[name] = str(getattr(error, "explanation", error))
own = os.environ["KM3_PROJECT"]
attempt("exec", lambda: client.exec_create(own + "-firewall", "id"))
attempt("list", lambda: client.containers(all=True))
attempt("volume", lambda: client.create_volume(own + "-home-x", driver="local",
        driver_opts={"type": "none", "o": "bind", "device": "/"}))
attempt("state", lambda: client.remove_volume(own + "-state"))
attempt("container", lambda: client.create_container("km3net/hub", "id", name=own + "-user-x",
        host_config=client.create_host_config(privileged=True, binds=["/:/host"])))
attempt("replace", lambda: os.unlink(os.environ["DOCKER_HOST"].removeprefix("unix://")))
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def attacker(site: Site) -> Iterator[Stage]:
    """Holds the socket on the volume that the hub mounts."""
    folder = Path(site.engine.volumes.get(site.names.broker).attrs["Mountpoint"])
    if not folder.exists():
        pytest.skip("the engine's volumes are not on this machine's disk: run it as root beside it")
    with stage(Socket(folder / "docker.sock"), site.names) as found:
        yield found


def test_hub_has_the_brokers_socket_and_no_other_way(site: Site) -> None:
    hub = site.container(site.names.hub)
    code, output = hub.exec_run(["python", "-c", INSIDE])
    assert code == 0, output
    found: dict[str, Any] = json.loads(output)
    assert found.pop("sockets") == ["/run/km3broker/docker.sock"]
    assert found.pop("groups") == [1000]
    assert found.pop("var") is False
    assert "Read-only file system" in found.pop("replace")
    for name, said in found.items():
        assert said.startswith("The broker refused"), (name, said)


@pytest.mark.parametrize("name", ATTEMPTS)
def test_attempt_on_the_hubs_socket_is_refused(name: str, attacker: Stage) -> None:
    require_refused(name, attacker)


def test_refusals_are_in_the_log_without_bodies(site: Site, attacker: Stage) -> None:
    require_refused("create: privileged", attacker)
    lines = site.container(site.names.broker).logs().decode().splitlines()
    refused = [json.loads(line) for line in lines if '"refused"' in line]
    assert refused[-1]["reason"] == "HostConfig.Privileged is not allowed"
    assert (refused[-1]["method"], refused[-1]["path"]) == ("POST", "/containers/create")
    assert "secret-of-ada" not in "\n".join(lines)


def test_check_in_the_hub_says_whether_the_broker_answers(site: Site) -> None:
    hub, broker = site.container(site.names.hub), site.container(site.names.broker)
    code, _ = hub.exec_run(["km3hub", "check"])
    assert code == 0
    broker.stop()
    try:
        code, output = hub.exec_run(["km3hub", "check"])
        assert code == 1
        assert f"docker logs {site.names.broker}".encode() in output
    finally:
        broker.start()


def _answers(site: Site) -> bool:
    broker = site.container(site.names.broker)
    return bool(broker.exec_run(["python", "-m", "km3broker.health"]).exit_code == 0)


def test_servers_outlive_the_broker(site: Site) -> None:
    bob = site.add("bob")
    start_server(bob)
    kernel = start_kernel(bob)
    kernel.run(f"secret = {SECRET}")
    server = site.server(bob).id
    kill(site, site.names.broker, "km3broker")
    still_there(site, kernel, server)
    wait_until(
        lambda: _answers(site), seconds=60, what="the broker answers again", ignoring=Exception
    )
    # And the hub starts and stops servers as before.
    stop_server(bob)
    start_server(bob)
    assert site.server(bob).id != server


def test_upgrade_from_a_platform_without_a_broker_keeps_servers(site: Site) -> None:
    eve = site.add("eve")
    give_engine(site.platform)
    site.container(site.names.broker).remove(force=True)
    start_server(eve)
    kernel = start_kernel(eve)
    kernel.run(f"secret = {SECRET}")
    server = site.server(eve).id
    site.apply("")
    mounts = site.container(site.names.hub).attrs["Mounts"]
    assert "docker.sock" not in str(mounts)
    still_there(site, kernel, server)
    wait_until(
        lambda: site.container(site.names.broker).attrs["State"]["Health"]["Status"] == "healthy",
        seconds=90,
        what="the broker is healthy",
    )
