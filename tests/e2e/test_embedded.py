"""Embedded mode under the hands of its owner: second starts, faults, nothing lost."""

from __future__ import annotations

import os
import signal
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from filelock import FileLock

from tests.e2e.platforms import (
    PORTAL,
    ROOT,
    Platform,
    answers,
    km3hub,
    options,
    share_installation,
    start,
)
from tests.e2e.servers import Kernel, start_kernel, start_server
from tests.ports import free_ports


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    platform = start("embedded", tmp_path_factory.mktemp("embedded"), project="km3embedded")
    yield platform
    platform.stop()


def processes(state: Path, role: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except psutil.Error:
            continue
        if environment.get("KM3_STATE") == str(state) and environment.get("KM3_ROLE") == role:
            found.append(process)
    return found


def the_process(state: Path, words: str) -> psutil.Process:
    return next(p for p in processes(state, "hub") if words in " ".join(p.cmdline()))


def await_status(url: str, status: int, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if httpx.get(url, timeout=5, follow_redirects=True).status_code == status:
                return
        except httpx.HTTPError:
            pass
        assert time.monotonic() < deadline, f"{url} does not answer {status}"
        time.sleep(0.2)


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
    assert f"{running.address}   (runs already)" in result.stdout
    assert running.password not in result.stdout


def test_two_starts_at_the_same_time_do_not_meet(running: Platform) -> None:
    with FileLock(running.state / "run" / "up.lock"):
        result = running.command("up", "--mode", "embedded")
    assert result.returncode == 1
    assert "wait until it is done" in result.stderr


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


def test_a_killed_proxy_comes_back_with_its_routes(running: Platform) -> None:
    person = running.api(running.user, running.password)  # its server runs since the test before
    kernel = start_kernel(person)
    kernel.run("zenith = 60")
    proxy = the_process(running.state, "configurable-http-proxy")
    proxy.send_signal(signal.SIGKILL)
    proxy.wait(10)
    await_status(f"{running.address}/hub/login", 200)
    await_status(f"{running.address}/user/{running.user}/api", 200)
    assert kernel.run("print(zenith)").strip() == "60"


def test_a_portal_that_died_is_started_again_by_the_hub(running: Platform) -> None:
    running.await_portal()
    records = httpx.get(f"{running.portal}/api/v1/records/", timeout=60).json()["count"]
    (portal,) = processes(running.state, "opendata")
    portal.send_signal(signal.SIGKILL)
    # Its process stands in the table until the hub looks, its port is free at once.
    deadline = time.monotonic() + 10
    while answers(f"{running.portal}/health"):
        assert time.monotonic() < deadline, "the portal was not killed"
        time.sleep(0.1)
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


def test_down_stops_everything_and_keeps_the_data(tmp_path: Path) -> None:
    platform = start("embedded", tmp_path, project="km3down")
    person = platform.api(platform.user, platform.password)
    start_server(person)
    start_kernel(person).run("open('kept.txt', 'w').write('2499 events')")
    result = platform.command("down")
    assert result.stdout.strip() == "Stopped; all data are kept."
    for role in ("hub", "opendata", "server"):
        assert not processes(platform.state, role)
    home = platform.state / "homes" / platform.user
    assert next(home.rglob("kept.txt")).read_text() == "2499 events"
    assert platform.command("down").stdout.strip() == "Nothing runs here."

    port = platform.address.rsplit(":", 1)[1]
    again = platform.command("up", "--mode", "embedded", "--port", port)
    assert again.returncode == 0
    assert "shown this once" not in again.stdout
    start_server(platform.api(platform.user, platform.password))
    platform.stop()


def test_a_taken_port_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    share_installation(tmp_path / "state")
    config = tmp_path / "platform.yaml"
    config.touch()
    port = free_ports(PORTAL + 1)
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        named = options(tmp_path / "state", config, "km3port")
        result = km3hub("up", "--mode", "embedded", "--port", str(port), *named)
    assert result.returncode == 1
    assert f"Port {port} (login page) is taken" in result.stderr
    assert f"make up PORT={port + 1000}" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_taken_port_of_the_portal_is_named_as_well(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    share_installation(tmp_path / "state")
    config = tmp_path / "platform.yaml"
    port = free_ports(4)
    config.write_text(f"services: {{opendata: {{port: {port + 3}}}}}")
    named = options(tmp_path / "state", config, "km3port")
    with socket.create_server(("127.0.0.1", port + 3)):
        result = km3hub("up", "--mode", "embedded", "--port", str(port), *named)
    assert result.returncode == 1
    assert f"Port {port + 3} (Open Data Center) is taken" in result.stderr
    config.write_text(f"services: {{opendata: {{port: {port + 2}}}}}")
    result = km3hub("up", "--mode", "embedded", "--port", str(port), *named)
    assert result.returncode == 1
    assert f"services.opendata.port: {port + 2} is the port of the proxy's control" in result.stderr


def test_broken_settings_stop_the_start_before_anything_is_touched(tmp_path: Path) -> None:
    config = tmp_path / "platform.yaml"
    config.write_text("site:\n  nmae: Workshop\n")
    result = km3hub("up", "--mode", "embedded", *options(tmp_path / "state", config, "km3bad"))
    assert result.returncode == 2
    assert "site.nmae: unknown key; did you mean name?" in result.stderr
    assert not (tmp_path / "state").exists()


def test_clean_says_what_it_deletes_and_asks(running: Platform) -> None:
    refused = running.command("clean")
    assert refused.returncode == 1
    assert "make down" in refused.stderr
    assert (running.state / "accounts.json").exists()


def test_make_alone_lists_the_targets() -> None:
    import subprocess

    result = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, env=os.environ)
    assert result.returncode == 0
    for target in ("up", "down", "test", "images", "engine", "clean"):
        assert f"make {target} " in result.stdout
