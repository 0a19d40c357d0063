"""Hub, proxy and `net` die or are recreated: kernels keep their variables."""

from __future__ import annotations

import pytest

from tests.e2e.platforms import Person, Platform
from tests.e2e.servers import Kernel, start_kernel, start_server, stop_server
from tests.hub.docker.platforms import Site
from tests.waiting import wait_until

SECRET = "1742"

_KILL = """
import os, signal
for pid in filter(str.isdigit, os.listdir("/proc")):
    words = open(f"/proc/{pid}/cmdline", "rb").read()
    if WORD in words and b"tini" not in words and int(pid) != os.getpid():
        os.kill(int(pid), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def ada(site: Site) -> Person:
    person = site.add("ada")
    start_server(person)
    return person


@pytest.fixture(scope="module")
def kernel(ada: Person) -> Kernel:
    kernel = start_kernel(ada)
    kernel.run(f"secret = {SECRET}")
    return kernel


def kill(site: Site, name: str, word: str) -> None:
    """SIGKILL the program in a container, as the kernel does when memory is short."""
    container = site.container(name)
    before = container.attrs["State"]["StartedAt"]
    code = _KILL.replace("WORD", repr(word.encode()))
    container.exec_run(["python3", "-c", code])

    def started_again() -> bool:
        now = site.container(name)
        return now.status == "running" and now.attrs["State"]["StartedAt"] != before

    wait_until(started_again, seconds=60, what=f"{name} runs again", ignoring=Exception)


def still_there(site: Site, kernel: Kernel, server: str) -> None:
    wait_until(
        lambda: kernel.run("print(secret)") == f"{SECRET}\n",
        seconds=60,
        what="the kernel answers",
        ignoring=Exception,
    )
    assert site.server(kernel.person).id == server

    def hub_knows() -> bool:
        with kernel.person.client() as client:
            answer = client.get(f"/hub/api/users/{kernel.person.name}").json()
        return bool(answer["servers"][""]["ready"])

    wait_until(hub_knows, seconds=60, what="the hub knows the server", ignoring=Exception)
    # And the way back: the server asks the hub who its visitor is.
    code = """
import os, urllib.request
headers = {"Authorization": "token " + os.environ["JUPYTERHUB_API_TOKEN"]}
print(urllib.request.urlopen(urllib.request.Request(
    os.environ["JUPYTERHUB_API_URL"] + "/user", headers=headers), timeout=10).status)
"""
    wait_until(
        lambda: kernel.run(code) == "200\n",
        seconds=60,
        what="the server reaches the hub",
        ignoring=Exception,
    )


def test_hub_restarted(site: Site, kernel: Kernel) -> None:
    server = site.server(kernel.person).id
    site.container(site.names.hub).restart()
    assert kernel.run("print(secret)") == f"{SECRET}\n"  # while the hub is still starting
    still_there(site, kernel, server)


def test_hub_killed(site: Site, kernel: Kernel) -> None:
    server = site.server(kernel.person).id
    kill(site, site.names.hub, "km3hub.hub")
    still_there(site, kernel, server)


def test_proxy_killed(site: Site, kernel: Kernel) -> None:
    server = site.server(kernel.person).id
    kill(site, site.names.proxy, "configurable-http-proxy")
    still_there(site, kernel, server)


def test_namespace_restarted(site: Site, kernel: Kernel) -> None:
    server = site.server(kernel.person).id
    site.container(site.names.net).restart(timeout=1)
    still_there(site, kernel, server)


def test_platform_is_recreated_with_other_settings(site: Site, kernel: Kernel) -> None:
    server = site.server(kernel.person).id
    hub, net = site.container(site.names.hub).id, site.container(site.names.net).id
    site.container(site.names.net).remove(force=True)
    site.apply("site: {name: Another name}")
    assert site.container(site.names.hub).id != hub
    assert site.container(site.names.net).id != net
    still_there(site, kernel, server)


def test_engine_left_hub_and_proxy_down(site: Site, kernel: Kernel) -> None:
    # As after a reboot where the engine started them before `net`: it does not try again.
    server = site.server(kernel.person).id
    hub, proxy, net = (
        site.container(name) for name in (site.names.hub, site.names.proxy, site.names.net)
    )
    site.container(site.names.keeper).stop(timeout=1)
    for container in (hub, proxy, net):
        container.stop(timeout=5)
    for container in (hub, proxy):
        with pytest.raises(Exception, match="non running container"):
            container.start()
    net.start()
    site.container(site.names.keeper).start()
    still_there(site, kernel, server)


def test_server_is_stopped_and_started_after_all_this(site: Site, kernel: Kernel) -> None:
    kernel.run("open('/home/km3/kept', 'w').close()")
    stop_server(kernel.person)
    wait_until(
        lambda: site.networks() == [] and site.servers() == [],
        seconds=60,
        what="nothing is left",
        ignoring=Exception,
    )
    start_server(kernel.person)
    assert start_kernel(kernel.person).run("import os; print(os.listdir())").find("kept") > 0


def test_second_platform_beside_it_is_not_disturbed(site: Site, kernel: Kernel) -> None:
    before = site.server(kernel.person).id
    other = Platform(**{**vars(site.platform), "project": "km3t-other"})
    assert Site(other).names.bridges != site.names.bridges
    result = other.command("down")
    assert result.returncode == 0, result.stderr
    assert site.server(kernel.person).id == before
    assert site.server(kernel.person).status == "running"
