"""What a user's container reaches and what not, seen from inside, for both egress settings."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import astuple, dataclass

import psutil
import pytest
from docker.models.containers import Container

from tests import commands
from tests.e2e.servers import Kernel, start_kernel, start_server
from tests.hub.docker.conftest import StartSite
from tests.hub.docker.platforms import Site
from tests.hub.docker.probes import Listener, connect, get, open_ports

METADATA = "169.254.169.254"
#: Of the addresses in `Beyond`.
EXCEPTIONS = "egress_allow: [{network: 10.199.251.3, ports: [80]}], egress_deny: [198.51.100.131]"
#: A well-known service of the internet that a test may ask once: the index that pip uses.
PIP_DOWNLOAD = "import subprocess, sys; print(subprocess.run([sys.executable, '-m', 'pip',\
 'download', '--no-deps', '--dest', '/tmp/wheel', 'iniconfig==2.1.0'],\
 capture_output=True, text=True))"

#: Asks the portal to fetch a table from each host, for a query.
FETCH = """
import json, os, urllib.error, urllib.parse, urllib.request
def _ask(host):
    form = dict(LANG="ADQL", QUERY="SELECT * FROM TAP_UPLOAD.t", UPLOAD=f"t,http://{{host}}/")
    data = urllib.parse.urlencode(form).encode()
    try:
        return str(urllib.request.urlopen(os.environ["KM3_TAP_URL"] + "/sync", data).status)
    except urllib.error.HTTPError as error:
        return error.read().decode()
print(json.dumps([_ask(host) for host in {hosts}]))
"""


SERVE = """
import socket
service = socket.create_server(("0.0.0.0", 80))
print("listening", flush=True)
while True:
    service.accept()[0].close()
"""


@dataclass
class Neighbours:
    """Two users with a kernel each, and what the host offers."""

    egress: str
    site: Site
    ada: Kernel
    bob: Kernel
    bob_address: str
    host_port: int

    @property
    def names(self) -> tuple[str, str]:
        return self.ada.person.name, self.bob.person.name


@pytest.fixture(scope="module")
def metadata_address(engine_and_images: None) -> Iterator[None]:
    """The host answers at the address of clouds' metadata service, as some clouds' hosts do."""
    network = "km3t-metadata"
    create = ["docker", "network", "create", "--subnet", "169.254.169.0/24", "--gateway", METADATA]
    remove = ["docker", "network", "rm", network]
    commands.run(*remove, status=None)  # what a killed run left
    commands.run(*create, network)
    yield
    commands.run(*remove)


@pytest.fixture(scope="module")
def host_service() -> Iterator[Listener]:
    listener = Listener.open()
    yield listener
    listener.close()


@pytest.fixture(scope="module", params=["internet", "none"])
def there(
    request: pytest.FixtureRequest,
    start_site: StartSite,
    host_service: Listener,
    metadata_address: None,
) -> Iterator[Neighbours]:
    egress = request.param
    project = f"km3t-{egress}"
    site = start_site(f"spawner: {{egress: {egress}, {EXCEPTIONS}}}", project)
    ada, bob = site.add("ada"), site.add("bob")
    for person in (ada, bob):
        start_server(person)
    kernels = start_kernel(ada), start_kernel(bob)
    settings = site.server(bob).attrs["NetworkSettings"]["Networks"]
    (network,) = settings.values()
    yield Neighbours(egress, site, *kernels, network["IPAddress"], host_service.port)
    site.platform.command("down")


@pytest.fixture
def portal(there: Neighbours) -> Container:
    """The Open Data Center's container, when it answers."""
    there.site.platform.await_portal()
    return there.site.container(there.site.names.opendata)


@dataclass(frozen=True)
class Beyond:
    """Addresses beyond the host's uplink, as a site's and the internet's are."""

    private: str
    opened: str
    public: str
    closed: str


@pytest.fixture(scope="module")
def beyond() -> Iterator[Beyond]:
    """A network namespace that the host routes to; it represents the site and the internet."""
    if os.geteuid():
        pytest.skip("network namespaces need root: run the tests as root")
    addresses = Beyond("10.199.251.2", "10.199.251.3", "198.51.100.130", "198.51.100.131")
    name = "km3t-beyond"
    commands.run("ip", "netns", "delete", name, status=None)  # what a killed run left
    commands.run("ip", "netns", "add", name)
    inside = ("ip", "netns", "exec", name)
    try:
        veth = ("type", "veth", "peer", "name", "eth0", "netns", name)
        commands.run("ip", "link", "add", name, *veth)
        commands.run("ip", "address", "add", "10.199.251.1/29", "dev", name)
        commands.run("ip", "link", "set", name, "up")
        commands.run(*inside, "ip", "link", "set", "eth0", "up")
        for address in astuple(addresses):
            commands.run(*inside, "ip", "address", "add", f"{address}/29", "dev", "eth0")
            if address.startswith("198."):
                commands.run("ip", "route", "add", f"{address}/32", "dev", name)
        commands.run(*inside, "ip", "route", "add", "default", "via", "10.199.251.1")
        serve = [sys.executable, "-c", SERVE]
        with subprocess.Popen([*inside, *serve], stdout=subprocess.PIPE, text=True) as service:
            assert service.stdout
            assert service.stdout.readline() == "listening\n"
            yield addresses
            service.kill()
    finally:
        commands.run("ip", "netns", "delete", name)


def host_addresses() -> list[str]:
    addresses = [a for entries in psutil.net_if_addrs().values() for a in entries]
    return sorted({a.address for a in addresses if a.family == socket.AF_INET} - {"127.0.0.1"})


def test_probe_of_the_host_succeeds_where_nothing_forbids_it(there: Neighbours) -> None:
    # From a container outside the platform, on Docker's own network.
    code = f"import socket; socket.create_connection(('{METADATA}', {there.host_port}), 5)"
    run = ["docker", "run", "--rm", "--entrypoint", "python3", "km3net/stack", "-c", code]
    commands.run(*run)


def test_neighbour_answers_to_itself(there: Neighbours) -> None:
    assert connect(there.bob, (there.bob_address, 8888)) == ["open"]


def test_neighbours_ports_are_out_of_reach(there: Neighbours) -> None:
    there.bob.run(
        "import http.server, threading; s = http.server.ThreadingHTTPServer(('', 9999),"
        " http.server.SimpleHTTPRequestHandler);"
        " threading.Thread(target=s.serve_forever, daemon=True).start()"
    )
    assert connect(there.bob, ("127.0.0.1", 9999)) == ["open"]
    name = there.site.names.server("bob")
    found = connect(
        there.ada, (there.bob_address, 8888), (there.bob_address, 9999), (name, 8888), ("bob", 8888)
    )
    assert found == ["TimeoutError", "TimeoutError", "unknown name", "unknown name"]


def test_hub_answers_with_own_token(there: Neighbours) -> None:
    assert get(there.ada, "http://hub:8081/hub/api/user") == [200]


def test_hub_refuses_access_to_what_belongs_to_others(there: Neighbours) -> None:
    api = "http://hub:8081/hub/api"
    paths = ("users", "proxy", "services", "groups", "users/bob", "users/bob/tokens", "info")
    assert set(get(there.ada, *(f"{api}/{path}" for path in paths))) <= {403, 404}
    assert get(there.ada, f"{api}/users", token=False) == [403]


def test_neighbours_server_refuses_the_users_token_through_the_proxy(there: Neighbours) -> None:
    own, others = get(
        there.ada, "http://hub:8000/user/ada/api/status", "http://hub:8000/user/bob/api/status"
    )
    assert (own, others) == (200, 403)


def test_hub_and_proxy_have_no_other_open_port(there: Neighbours) -> None:
    # 8001, the proxy's API, listens on loopback; the database is a file.
    assert open_ports(there.ada, "hub") == [8000, 8081]


def test_platform_is_out_of_reach_by_its_other_addresses(there: Neighbours) -> None:
    net = there.site.container(there.site.names.net)
    mine = there.site.names.server("ada")
    others = [
        n["IPAddress"]
        for name, n in net.attrs["NetworkSettings"]["Networks"].items()
        if name != mine
    ]
    assert len(others) >= 2  # the control network and the neighbour's
    targets = [(address, port) for address in others for port in (8000, 8001, 8081)]
    assert set(connect(there.ada, *targets)) == {"TimeoutError"}


def test_host_services_are_out_of_reach_at_every_address(there: Neighbours) -> None:
    addresses = host_addresses()
    assert METADATA in addresses
    assert any(address.startswith("10.213.") for address in addresses)  # the user's own gateway
    found = connect(there.ada, *((address, there.host_port) for address in addresses))
    assert dict(zip(addresses, found, strict=True)) == dict.fromkeys(addresses, "TimeoutError")


def test_published_port_is_out_of_reach_by_the_hosts_addresses(there: Neighbours) -> None:
    # The engine's own path to a published port goes round the host's input rules.
    published = there.site.engine.containers.run(
        "km3net/stack",
        ["python3", "-m", "http.server", "7777"],
        ports={"7777/tcp": None},
        detach=True,
        auto_remove=True,
    )
    try:
        published.reload()
        port = int(published.ports["7777/tcp"][0]["HostPort"])
        with socket.create_connection(("127.0.0.1", port), 5):
            pass
        targets = [(address, port) for address in host_addresses()]
        targets.append((published.attrs["NetworkSettings"]["IPAddress"], 7777))
        assert set(connect(there.ada, *targets)) == {"TimeoutError"}
    finally:
        published.remove(force=True)


def test_private_networks_are_open_only_where_an_exception_says_so(
    there: Neighbours, beyond: Beyond
) -> None:
    outside = "import socket; [socket.create_connection((a, 80), 5) for a in {}]"
    code = outside.format(astuple(beyond))
    commands.run("docker", "run", "--rm", "--entrypoint", "python3", "km3net/stack", "-c", code)
    allowed = "open" if there.egress == "internet" else "TimeoutError"
    expected = {
        beyond.private: "TimeoutError",
        beyond.opened: allowed,
        beyond.public: allowed,
        beyond.closed: "TimeoutError",
    }
    said = connect(there.ada, *((address, 80) for address in expected))
    if there.egress == "none":
        # Without a default route the kernel says so at once.
        said = ["TimeoutError" if answer == "OSError" else answer for answer in said]
    assert dict(zip(expected, said, strict=True)) == expected


def test_portal_answers_by_its_name_and_has_no_other_open_port(
    there: Neighbours, portal: Container
) -> None:
    assert get(there.ada, "http://opendata:8090/health", token=False) == [200]
    assert open_ports(there.ada, "opendata") == [8090]


def test_portal_is_out_of_reach_by_its_other_addresses(
    there: Neighbours, portal: Container
) -> None:
    mine = there.site.names.server("ada")
    networks = portal.attrs["NetworkSettings"]["Networks"]
    others = [network["IPAddress"] for name, network in networks.items() if name != mine]
    assert len(others) == 2  # its own network and the neighbour's
    published = int(there.site.platform.portal.rsplit(":", 1)[1])
    targets = [(address, 8090) for address in others]
    targets += [(address, published) for address in host_addresses()]
    assert set(connect(there.ada, *targets)) == {"TimeoutError"}


def test_portal_fetches_nothing_for_a_user_from_where_the_user_cannot_go(
    there: Neighbours, portal: Container
) -> None:
    hosts = (there.bob_address, "hub", METADATA, "127.0.0.1", there.site.names.server("bob"))
    code = FETCH.format(hosts=hosts)
    said = json.loads(there.ada.run(code))
    assert all("has no public address" in answer for answer in said), said


def test_portal_itself_reaches_neither_the_host_nor_hub_and_proxys_own_network(
    there: Neighbours, portal: Container
) -> None:
    net = there.site.container(there.site.names.net).attrs["NetworkSettings"]["Networks"]
    control = net[f"{there.site.names.project}-control"]["IPAddress"]
    targets = [(address, there.host_port) for address in host_addresses()]
    targets += [(control, port) for port in (8000, 8001, 8081)]
    code = (
        "import socket, sys\n"
        f"for target in {targets}:\n"
        "    try:\n"
        "        socket.create_connection(target, 1)\n"
        "        print('open', target)\n"
        "    except OSError as error:\n"
        "        print(type(error).__name__)\n"
    )
    result = portal.exec_run(["python", "-c", code])
    assert set(result.output.decode().split("\n")) == {"TimeoutError", ""}


def test_other_versions_of_nftables_can_read_the_hosts_rules(there: Neighbours) -> None:
    if not shutil.which("nft"):
        pytest.skip("there is no nft on this machine: make tools")
    commands.run("nft", "--json", "list", "ruleset")


def test_docker_socket_is_not_there(there: Neighbours) -> None:
    mounts = there.ada.run("print(open('/proc/self/mountinfo').read())")
    assert "/home/km3" in mounts
    assert ".sock" not in mounts
    assert there.ada.run("import os; print(os.listdir('/run'))").strip() == "[]"
    gateways = [a for a in host_addresses() if a.startswith("10.213.")]
    found = connect(there.ada, *((gateway, port) for gateway in gateways for port in (2375, 2376)))
    assert set(found) == {"TimeoutError"}


def test_packages_from_the_internet_come_only_where_egress_allows(there: Neighbours) -> None:
    host = commands.run(
        "docker",
        "run",
        "--rm",
        "--entrypoint",
        "python3",
        "km3net/stack",
        "-c",
        PIP_DOWNLOAD,
        status=None,
    )
    if "returncode=0" not in host.stdout:
        pytest.skip("this machine reaches no package index: run it where pip can download")
    allowed = there.egress == "internet"
    assert ("returncode=0" in there.ada.run(PIP_DOWNLOAD, timeout=200)) is allowed
