"""Embedded mode under the hands of its owner: second starts, faults, nothing lost."""

from __future__ import annotations

import json
import signal
import socket
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest

from tests.e2e.platforms import (
    PORTAL,
    Platform,
    answers,
    km3hub,
    start,
    xsrf,
)
from tests.e2e.servers import Kernel, start_kernel, start_server, stop_server
from tests.hub.running import Loopback
from tests.ports import free_ports
from tests.waiting import wait_until

from .processes import await_status, await_text, processes, the_process


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    platform = start("embedded", tmp_path_factory.mktemp("embedded"), project="km3embedded")
    yield platform
    platform.stop()


def test_first_passwords_are_stored_for_their_owner_only(running: Platform) -> None:
    mode = (running.state / "first-login.txt").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    assert stat.S_IMODE(running.state.stat().st_mode) == 0o700
    for secret in running.state.glob("secret-*"):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_nothing_listens_beyond_loopback(running: Platform) -> None:
    addresses = {
        connection.laddr.ip
        for role in ("hub", "opendata", "server")
        for process in processes(running.state, role)
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert addresses == {"127.0.0.1"}


def test_a_second_up_says_where_the_first_one_runs(running: Platform) -> None:
    other = ["up", "--mode", "embedded", "--port", str(free_ports(PORTAL + 1)), *running.options]
    result = km3hub(*other)
    assert result.returncode == 0
    assert f"{running.address}   (already running)" in result.stdout
    assert running.password not in result.stdout


def test_a_port_that_a_running_platform_cannot_use_is_reported(running: Platform) -> None:
    other = str(free_ports(PORTAL + 1))
    result = km3hub("up", "--mode", "embedded", "--port", other, *running.options)
    assert f"PORT={other} was not applied" in result.stdout
    assert f"make down, then make up PORT={other}" in result.stdout
    assert "Note" not in running.command("up").stdout


def test_new_settings_are_applied_and_kernels_go_on(running: Platform) -> None:
    person = running.api(running.user, running.password)
    start_server(person)
    kernel = start_kernel(person)
    kernel.run("events = 2499")
    hub, servers = the_process(running.state, "km3hub.hub"), processes(running.state, "server")
    running.config.write_text(
        "site: {name: Renamed platform, contact: ada@example.org}\n"
        "sizes: [{name: tiny, title: Tiny, memory: 512M, cpu: 0.5}]\n"
        "environments: [{name: joint, title: Only this, image: km3net/joint}]\n"
        "culling: {idle_minutes: 7}\n"
    )
    result = running.command("up", "--mode", "embedded")
    assert result.returncode == 0, result.stderr
    applied = "Applied  culling.idle_minutes, environments, site.contact, site.name, sizes\n"
    assert applied in result.stdout
    assert "1 user's server keeps the old settings and code" in result.stdout
    assert not hub.is_running()
    # At once: the first request after "make up" finds all of it, and the way to the server.
    login = httpx.get(f"{running.address}/hub/login", trust_env=False, timeout=60).text
    assert "Renamed platform" in login
    with person.client() as client:
        assert client.get(f"/user/{running.user}/api/status").status_code == 200
    assert kernel.run("print(events)").strip() == "2499"
    assert {p.pid for p in servers} <= {p.pid for p in processes(running.state, "server")}
    options = {"timeout": 60, "follow_redirects": True, "transport": Loopback()}
    with httpx.Client(base_url=running.address, **options) as browser:
        browser.get("/hub/login")
        form = {"username": running.user, "password": running.password, "_xsrf": xsrf(browser)}
        browser.post("/hub/login", data=form)
        # The environment of the server that runs is in the menu no more.
        home = browser.get("/hub/home")
    assert home.status_code == 200
    assert "Stop server" in home.text
    culler = the_process(running.state, "km3hub.configure.culling")
    assert any(word.startswith("--timeout=4") for word in culler.cmdline()), culler.cmdline()
    stop_server(person)
    with person.client() as client:
        refused = client.post(
            f"/hub/api/users/{running.user}/server", json={"environment": "stack"}
        )
    assert refused.status_code == 400
    start_server(person, {"environment": "joint", "size": "tiny"})
    told = start_kernel(person).run("import os; print(os.environ['KM3_SIZE_TITLE'])")
    assert told.strip() == "Tiny"


def test_applied_settings_are_not_applied_again(running: Platform) -> None:
    hub = the_process(running.state, "km3hub.hub").pid
    result = running.command("up", "--mode", "embedded")
    assert "(already running)" in result.stdout
    assert "Applied" not in result.stdout
    assert the_process(running.state, "km3hub.hub").pid == hub


def test_a_new_banner_needs_no_restart(running: Platform) -> None:
    hub = the_process(running.state, "km3hub.hub").pid
    before = running.config.read_text()
    running.config.write_text(before.replace("site: {", "site: {banner: {text: Maintenance}, "))
    assert "(already running)" in running.command("up", "--mode", "embedded").stdout
    assert the_process(running.state, "km3hub.hub").pid == hub
    await_text(f"{running.address}/hub/login", "Maintenance")
    running.config.write_text(before)


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        ("site: {nmae: Workshop}", 2, "site.nmae: unknown key; did you mean name?"),
        ("site: [", 2, "not valid YAML"),
        (
            "environments: [{name: mine, title: Mine, image: x}]",
            1,
            "there is no lock platform/locks/mine.txt",
        ),
        ("login: {method: oidc, oidc: {provider: escape-iam, client_id: a,"
         " client_secret_file: nowhere, allow_all: true}}", 1, "nowhere does not exist"),
    ],
)  # fmt: skip
def test_invalid_settings_leave_the_running_platform_unchanged(
    running: Platform, settings: str, code: int, words: str
) -> None:
    hub = the_process(running.state, "km3hub.hub").pid
    before = running.config.read_text()
    running.config.write_text(settings)
    result = running.command("up", "--mode", "embedded")
    running.config.write_text(before)
    assert result.returncode == code
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert the_process(running.state, "km3hub.hub").pid == hub
    assert answers(f"{running.address}/hub/login")


def test_a_taken_port_of_the_portal_leaves_the_running_platform_unchanged(
    running: Platform,
) -> None:
    hub = the_process(running.state, "km3hub.hub").pid
    before = running.config.read_text()
    port = free_ports(1)
    running.config.write_text(f"services: {{opendata: {{port: {port}}}}}")
    with socket.create_server(("127.0.0.1", port)):
        result = running.command("up", "--mode", "embedded")
    running.config.write_text(before)
    assert result.returncode == 1
    assert f"Port {port} (Open Data Center) is in use" in result.stderr
    assert the_process(running.state, "km3hub.hub").pid == hub


def test_the_portal_is_moved_and_removed_by_the_settings(running: Platform) -> None:
    before = running.config.read_text()
    port = free_ports(1)
    running.config.write_text(before + f"services: {{opendata: {{port: {port}}}}}\n")
    result = running.command("up", "--mode", "embedded")
    assert "Applied  services.opendata.port\n" in result.stdout
    await_status(f"http://127.0.0.1:{port}/health", 200)
    running.config.write_text(before + "services: {opendata: {enabled: false}}\n")
    assert running.command("up", "--mode", "embedded").returncode == 0
    assert not processes(running.state, "opendata")
    running.config.write_text(before)
    assert running.command("up", "--mode", "embedded").returncode == 0
    running.await_portal()


def test_new_code_of_the_hub_is_applied(running: Platform) -> None:
    """As if the hub that runs had been started from other code."""
    hub = the_process(running.state, "km3hub.hub")
    file = running.state / "run" / "in-force.json"
    record = json.loads(file.read_text())
    file.write_text(json.dumps({**record, "hub": "0" * 64}))
    result = running.command("up", "--mode", "embedded")
    assert "Applied  the hub's code\n" in result.stdout
    assert not hub.is_running()
    assert json.loads(file.read_text()) == record


def test_two_simultaneous_starts_do_not_interfere(running: Platform) -> None:
    with ThreadPoolExecutor(2) as both:
        first, second = both.map(lambda _: running.command("up", "--mode", "embedded"), range(2))
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "already running" in first.stdout
    assert "already running" in second.stdout


def test_the_hub_killed_and_started_again_keeps_kernels(running: Platform) -> None:
    person = running.api(running.user, running.password)
    start_server(person)
    kernel = start_kernel(person)
    kernel.run("energy_GeV = 6300")
    servers = {p.pid for p in processes(running.state, "server")}

    the_process(running.state, "km3hub.hub").send_signal(signal.SIGKILL)
    port = running.address.rsplit(":", 1)[1]
    result = running.command("up", "--mode", "embedded", "--port", port)
    assert result.returncode == 0, result.stderr

    assert kernel.run("print(energy_GeV)").strip() == "6300"
    assert servers <= {p.pid for p in processes(running.state, "server")}


def test_two_logins_of_one_account_work_side_by_side(running: Platform) -> None:
    first = running.api(running.user, running.password)
    second = running.api(running.user, running.password)
    assert first.token != second.token
    kernel = start_kernel(first)  # the server runs since the test before
    kernel.run("events = 2499")
    again = Kernel(second, kernel.id)
    assert again.run("print(events)").strip() == "2499"
    assert first.api_answers()
    assert second.api_answers()


def test_a_killed_proxy_restarts_with_its_routes(running: Platform) -> None:
    person = running.api(running.user, running.password)  # its server runs since the test before
    kernel = start_kernel(person)
    kernel.run("zenith = 60")
    proxy = the_process(running.state, "configurable-http-proxy")
    proxy.send_signal(signal.SIGKILL)
    proxy.wait(10)
    await_status(f"{running.address}/hub/login", 200)
    with person.client() as client:
        wait_until(
            lambda: client.get(f"/user/{running.user}/api").status_code == 200,
            seconds=60,
            what="the proxy leads to the server",
        )
    assert kernel.run("print(zenith)").strip() == "60"


def test_a_portal_that_died_is_started_again_by_the_hub(running: Platform) -> None:
    running.await_portal()
    records = httpx.get(f"{running.portal}/api/v1/records/", timeout=60).json()["count"]
    (portal,) = processes(running.state, "opendata")
    portal.send_signal(signal.SIGKILL)
    # Its process stands in the table until the hub looks, its port is free at once.
    wait_until(
        lambda: not answers(f"{running.portal}/health"), seconds=10, what="the portal is gone"
    )
    assert f"{running.portal}   does not answer" in running.command("status").stdout
    # The hub looks after its services every half minute.
    running.await_portal(60)
    assert httpx.get(f"{running.portal}/api/v1/records/", timeout=60).json()["count"] == records > 0
    assert "does not answer" not in running.command("status").stdout


def test_the_portals_state_is_its_owners_only(running: Platform) -> None:
    running.await_portal()
    state = running.state / "opendata"
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    for secret in (state / "secrets").iterdir():
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_the_hub_killed_during_a_spawn_leaves_a_user_who_can_start(running: Platform) -> None:
    admin = running.api("admin", running.admin_password)
    hub = the_process(running.state, "km3hub.hub")
    with admin.client() as client, pytest.raises(httpx.ReadTimeout):
        client.post("/hub/api/users/admin/server", json={}, timeout=0.3)
    hub.send_signal(signal.SIGKILL)
    port = running.address.rsplit(":", 1)[1]
    assert running.command("up", "--mode", "embedded", "--port", port).returncode == 0
    admin = running.api("admin", running.admin_password)
    start_server(admin)
    assert start_kernel(admin).run("print(21 * 2)").strip() == "42"


def test_clean_lists_what_it_deletes_and_asks(running: Platform) -> None:
    refused = running.command("clean")
    assert refused.returncode == 1
    assert "make down" in refused.stderr
    assert (running.state / "accounts.json").exists()
