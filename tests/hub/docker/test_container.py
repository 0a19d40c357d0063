"""How a user's container is locked down, as the engine reports it and as its user feels it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.platforms import Person
from tests.e2e.servers import Kernel, start_kernel, start_server
from tests.hub.docker.platforms import Site


@pytest.fixture(scope="module")
def ada(site: Site) -> Person:
    person = site.add("ada")
    start_server(person, {"environment": "stack", "size": "large"})
    return person


@pytest.fixture(scope="module")
def kernel(ada: Person) -> Kernel:
    return start_kernel(ada)


@pytest.fixture(scope="module")
def container(site: Site, ada: Person) -> dict[str, Any]:
    found: dict[str, Any] = site.server(ada).attrs
    return found


@pytest.fixture(scope="module")
def host(container: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = container["HostConfig"]
    return found


def test_it_has_no_capability_and_gains_none(host: dict[str, Any], kernel: Kernel) -> None:
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert not host["Privileged"]
    assert host["SecurityOpt"] == ["no-new-privileges"]  # and so the engine's own seccomp profile
    lines = kernel.run("print(open('/proc/self/status').read())").splitlines()
    status = dict(line.split(":", 1) for line in lines if ":" in line)
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Seccomp"].strip() == "2"  # filtering


def test_it_runs_as_an_ordinary_user(container: dict[str, Any], kernel: Kernel) -> None:
    assert container["Config"]["User"] == "1000:1000"
    assert (
        kernel.run("import os; print(os.getuid(), os.getgid(), os.getgroups())")
        == "1000 1000 [1000]\n"
    )


def test_limits_are_those_of_the_size(host: dict[str, Any]) -> None:
    assert host["Memory"] == host["MemorySwap"] == 4 * 1024**3
    assert host["CpuQuota"] / host["CpuPeriod"] == 2
    assert host["PidsLimit"] == 512
    assert host["Ulimits"] == [{"Name": "nofile", "Soft": 16384, "Hard": 16384}]


def test_only_the_home_and_memory_can_be_written(host: dict[str, Any], kernel: Kernel) -> None:
    assert host["ReadonlyRootfs"]
    assert set(host["Tmpfs"]) == {"/tmp", "/var/tmp", "/run"}
    code = """
import os
def writable(folder):
    try:
        open(os.path.join(folder, ".probe"), "w").close()
    except OSError:
        return False
    os.remove(os.path.join(folder, ".probe"))
    return True
folders = "/home/km3 /tmp / /opt/km3net /opt/lab /etc /opt/tutorials".split()
print(*filter(writable, folders))
"""
    assert kernel.run(code).split() == ["/home/km3", "/tmp"]


def test_nothing_of_the_host_is_mounted(container: dict[str, Any], host: dict[str, Any]) -> None:
    assert [(m["Type"], m["Name"], m["Destination"]) for m in container["Mounts"]] == [
        ("volume", "km3t-home-ada", "/home/km3")
    ]
    assert not host["Devices"]
    assert not host["PidMode"]
    assert not host["UTSMode"]
    assert host["IpcMode"] in ("private", "shareable")


def test_it_is_in_its_users_network_alone(container: dict[str, Any], host: dict[str, Any]) -> None:
    assert host["NetworkMode"] == "km3t-user-ada"
    assert list(container["NetworkSettings"]["Networks"]) == ["km3t-user-ada"]
    assert not any((host["PortBindings"] or {}).values())


def test_its_log_cannot_fill_the_disk(host: dict[str, Any]) -> None:
    assert host["LogConfig"]["Config"] == {"max-size": "5m", "max-file": "2"}


def test_its_environment_follows_the_contract(kernel: Kernel) -> None:
    code = """
import json, os
print(json.dumps({k: v for k, v in os.environ.items() if k.startswith("KM3_") or "LIMIT" in k}))
"""
    found = json.loads(kernel.run(code))
    expected = {
        "KM3_ENVIRONMENT": "stack",
        "KM3_SIZE": "large",
        "KM3_SIZE_TITLE": "Large",
        "KM3_TUTORIALS": "/opt/tutorials",
        "KM3_KERNELS": "/opt/km3net",
        "MEM_LIMIT": str(4 * 1024**3),
        "CPU_LIMIT": "2.0",
    }
    assert {key: found.get(key) for key in expected} == expected


def test_an_image_cannot_be_asked_for(site: Site) -> None:
    person = site.add("eve")
    for options in ({"image": "km3net/hub"}, {"environment": "km3net/hub"}, {"image": "debian"}):
        with person.client() as client:
            answer = client.post("/hub/api/users/eve/server", json=options)
        assert answer.status_code == 400, answer.text
    assert not [name for name in site.servers() if name.endswith("-eve")]


def test_a_user_whose_name_looks_like_another_ones_volume_shares_nothing(site: Site) -> None:
    # In Docker's names "-" is written "-2d".
    first, second = site.add("a-b"), site.add("a-2db")
    for person in (first, second):
        start_server(person)
    own = [name for name in site.servers() if "-user-a-" in name]
    assert len(own) == 2
    start_kernel(first).run("open('/home/km3/mine', 'w').close()")
    assert (
        start_kernel(second).run("import os; print(os.path.exists('/home/km3/mine'))") == "False\n"
    )


def test_a_silent_cell_keeps_its_connection(kernel: Kernel) -> None:
    # Longer than the interval of the server's pings, 30 s.
    assert kernel.run("import time; time.sleep(35); print('there')") == "there\n"
