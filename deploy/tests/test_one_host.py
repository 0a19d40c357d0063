"""One host, from nothing to a tutorial run as a browser would."""

from __future__ import annotations

import json

import httpx
import pytest

from deploy.tests.conftest import HUB, PORTAL, secret
from deploy.tests.containers import NETWORK, Machine, docker
from deploy.tests.site import Play, Site
from tests.e2e.platforms import Person
from tests.e2e.ports import printing_open_ports
from tests.e2e.servers import start_kernel, start_server, stop_server

# Archive, machine and deployment are made by the first of them.
pytestmark = pytest.mark.timeout(1800)


def test_host_is_deployed_from_nothing(first_run: Play | None) -> None:
    if first_run is None:
        pytest.skip("the machine was left by an earlier run: run without KM3_KEEP=1")
    assert first_run.failed == 0
    assert first_run.changed > 20


def test_second_run_changes_nothing(deployed: Machine, site: Site) -> None:
    play = site.play("site").require_success()
    assert play.changed == 0, play.output


def test_check_run_has_no_differences(deployed: Machine, site: Site) -> None:
    play = site.play("site", "--check", "--diff").require_success()
    assert play.changed == 0, play.output
    assert "+++" not in play.output


def test_http_is_redirected_to_https(deployed: Machine) -> None:
    for name in (HUB, PORTAL):
        answer = httpx.get(f"http://{name}/", follow_redirects=False, timeout=60)
        assert answer.status_code == 308
        assert answer.headers["location"] == f"https://{name}/"


def test_certificate_is_valid_and_hsts_is_sent(deployed: Machine) -> None:
    answer = httpx.get(f"https://{HUB}/hub/login", timeout=60)
    assert answer.status_code == 200
    assert "max-age=31536000" in answer.headers["strict-transport-security"]
    assert "server" not in answer.headers
    assert "Test site" in answer.text


def test_portal_answers_by_its_own_name(deployed: Machine) -> None:
    with httpx.Client(base_url=f"https://{PORTAL}", timeout=60) as client:
        assert client.get("/health").status_code == 200
        assert client.get("/metrics").status_code == 404
        page = client.get("/")
        assert page.status_code == 200
        assert f"https://{HUB}" in page.text


@pytest.fixture(scope="module")
def admin(deployed: Machine) -> Person:
    return Person.log_in(f"https://{HUB}", "admin", secret(deployed, "admin-password"))


def test_tutorial_runs_over_a_secure_websocket(admin: Person) -> None:
    start_server(admin)
    with admin.client() as client:
        folder = client.get(f"/user/{admin.name}/api/contents/tutorials").json()
        names = sorted(f["path"] for f in folder["content"] if f["name"].endswith(".ipynb"))
        notebook = client.get(f"/user/{admin.name}/api/contents/{names[0]}").json()["content"]
    cells = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    kernel = start_kernel(admin)
    for cell in cells[:2]:
        kernel.run(cell)
    assert kernel.run("import km3io; print(6 * 7)").strip() == "42"


def test_hub_sees_the_clients_own_address(deployed: Machine, admin: Person) -> None:
    gateway = json.loads(docker("network", "inspect", NETWORK).stdout)[0]["IPAM"]["Config"][0]
    client = gateway.get("Gateway", "10.199.250.1")
    log = deployed.run("sh", "-c", "docker logs km3net-hub 2>&1")
    lines = [line for line in log.splitlines() if "/hub/login" in line or "/hub/api/users" in line]
    assert any(client in line for line in lines), "\n".join(lines[-5:])


def test_neighbour_finds_no_other_ports(deployed: Machine, target_image: str) -> None:
    found = docker(
        "run", "--rm", f"--network={NETWORK}", "--entrypoint=python3", target_image, "-c",
        printing_open_ports(deployed.address),
    )  # fmt: skip
    assert json.loads(found.stdout) == [22, 80, 443]


def test_server_stops_when_asked(admin: Person) -> None:
    stop_server(admin)
