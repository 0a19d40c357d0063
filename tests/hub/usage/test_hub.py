"""A real hub counts, refuses, warns and stops, and remembers all of it."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from km3hub.usage.ledger import Ledger, Run
from km3hub.usage.pause import PauseFile
from tests.hub.conftest import StartHub
from tests.hub.running import Client, RunningHub
from tests.waiting import wait_until

#: Four passes a second: whole minutes would make the tests wait.
QUICK = """
from km3hub.configure.status import configure_status
from km3hub.configure.usage import configure_usage
from km3hub.spawning import options
from km3hub.usage import meter, watch
from km3hub.spawning.options import apply_user_options, options_from_form
from jupyterhub.spawner import SimpleLocalProcessSpawner

class Chooses(SimpleLocalProcessSpawner):
    pass

Chooses.platform, Chooses.runtime = platform, runtime
watch.PERIOD, meter.AVERAGED, meter.KERNEL = 0.25, 1.0, 3.0
c.JupyterHub.spawner_class = Chooses
c.Spawner.options_from_form = options_from_form
c.Spawner.apply_user_options = apply_user_options
configure_status(c, platform, runtime)
configure_usage(c, platform, runtime)
"""
SETTINGS = """
site: {name: Test platform, contact: help@example.org}
services: {opendata: {enabled: false}}
sizes: [{name: small, memory: 1G, cpu: 0.05}]
usage:
  period: week
  grace_minutes: 0
  alert_hours: 0.0005
  quotas:
    - {cpu_hours: 50}
    - {cpu_hours: 100, groups: [school], shared: true}
"""


@pytest.fixture(scope="module")
def hub(start_hub: StartHub) -> RunningHub:
    return start_hub(settings=SETTINGS, config=QUICK)


@pytest.fixture
def ada(hub: RunningHub, password: str) -> Iterator[Client]:
    with hub.client(follow_redirects=True) as client:
        client.login("ada", password)
        client.get("/hub/home")
        yield client
        _stop(client, "ada")
        ledger(hub).erase("ada")


@pytest.fixture
def root(hub: RunningHub, password: str) -> Iterator[Client]:
    with hub.client(follow_redirects=True) as client:
        client.login("root", password)
        client.get("/hub/home")
        yield client
        _stop(client, "root")


def ledger(hub: RunningHub) -> Ledger:
    return Ledger(hub.state.usage)


def running(client: Client, user: str) -> bool:
    return bool(client.api("GET", f"/users/{user}").json()["server"])


def _start(client: Client, user: str) -> httpx.Response:
    return client.api("POST", f"/users/{user}/server")


def _stop(client: Client, user: str) -> None:
    client.api("DELETE", f"/users/{user}/server")
    wait_until(
        lambda: client.api("GET", f"/users/{user}").json()["servers"] == {},
        seconds=30,
        what="it has stopped",
    )


def server_process(hub: RunningHub, user: str) -> psutil.Process:
    assert hub.process
    for process in psutil.Process(hub.process.pid).children(recursive=True):
        with process.oneshot():
            if process.environ().get("JUPYTERHUB_USER") == user:
                return process
    raise LookupError(user)


def token_of(hub: RunningHub, user: str) -> str:
    return server_process(hub, user).environ()["JUPYTERHUB_API_TOKEN"]


def report(hub: RunningHub, token: str, body: Any) -> httpx.Response:
    with hub.client() as client:
        headers = {"Authorization": f"token {token}"}
        return client.post("/hub/api/usage", headers=headers, content=json.dumps(body))


def entries(hub: RunningHub) -> float:
    return sum(row[2] for row in ledger(hub).entries("ada"))


def test_processor_time_is_counted_as_the_kernel_counts_it(hub: RunningHub, ada: Client) -> None:
    assert _start(ada, "ada").status_code in {201, 202}
    wait_until(lambda: running(ada, "ada"), seconds=30, what="it runs")
    times = server_process(hub, "ada").cpu_times()
    wait_until(
        lambda: entries(hub) >= times.user + times.system - 0.05,
        seconds=30,
        what=lambda: f"{entries(hub)} of {times}",
    )
    after = server_process(hub, "ada").cpu_times()
    assert entries(hub) <= after.user + after.system + 0.05


def test_the_count_goes_on_when_the_hub_was_killed(
    hub: RunningHub, ada: Client, start_hub: StartHub
) -> None:
    ledger(hub).add(Run("ada", 1.8e9, 1.8e9 + 7200, 3600.0))
    hub.stop()
    hub.start()
    assert entries(hub) >= 3600.0


def test_while_paused_no_server_starts_and_the_page_says_why(
    hub: RunningHub, ada: Client, root: Client
) -> None:
    assert _start(root, "root").status_code in {201, 202}
    wait_until(lambda: running(root, "root"), seconds=30, what="it runs")
    PauseFile(hub.state.pause).write("The disks are <being> replaced until noon.")
    said = "The disks are &lt;being&gt; replaced until noon."
    try:
        page = ada.get("/hub/spawn")
        assert said in page.text
        assert "New servers cannot be started at the moment." in page.text
        assert 'type="submit"' not in page.text.split("<main", 1)[1].split("</main", 1)[0]
        assert said in ada.get("/hub/home").text
        assert said in ada.get("/hub/status").text
        # By all ways to start one.
        refusal = _start(ada, "ada")
        assert refusal.status_code in {400, 503}
        assert "The disks are <being> replaced until noon." in refusal.json()["message"]
        form = ada.post("/hub/spawn", data={"_xsrf": ada.xsrf(), "size": "small"})
        assert said in form.text
        assert said in ada.get("/hub/spawn?size=small").text
        assert not running(ada, "ada")
        # Running servers go on, and administrators may start servers, of others, too.
        assert running(root, "root")
        assert said in root.get("/hub/spawn/ada").text
        assert 'type="submit"' in root.get("/hub/spawn/ada").text
        assert _start(root, "ada").status_code in {201, 202}
    finally:
        PauseFile(hub.state.pause).clear()
    wait_until(lambda: running(root, "ada"), seconds=30, what="it runs")
    assert "cannot be started" not in ada.get("/hub/home").text


def test_the_form_says_what_is_left(hub: RunningHub, ada: Client, root: Client) -> None:
    now = time.time()
    ledger(hub).add(Run("ada", now - 1, now, 12.5 * 3600))
    page = ada.get("/hub/spawn").text
    found = re.search(r"You have (\S+) of 50 CPU hours left; they renew on (.*?)\.", page)
    assert found, page
    assert found[1] == "37"
    assert 'type="submit"' in page
    assert "CPU hours left" in ada.get("/hub/home").text
    assert "CPU hours" not in root.get("/hub/spawn").text.split("<main", 1)[1]


def test_without_hours_no_server_starts(hub: RunningHub, ada: Client) -> None:
    now = time.time()
    ledger(hub).add(Run("ada", now - 1, now, 50 * 3600))
    assert "You have used all 50 CPU hours; they renew on" in ada.get("/hub/spawn").text
    refusal = _start(ada, "ada")
    assert "You have used all 50 CPU hours" in refusal.json()["message"]
    assert not running(ada, "ada")


def test_what_the_group_used_counts_for_each_member(
    hub: RunningHub, ada: Client, root: Client
) -> None:
    hub.accounts.change("ada", groups=("school",))
    hub.accounts.add("eve", "kanugu-posifo-gemoka-87", groups=("school",))
    with hub.client() as eve:
        eve.login("eve", "kanugu-posifo-gemoka-87")
        now = time.time()
        ledger(hub).add(Run("eve", now - 1, now, 49 * 3600))
        ledger(hub).add(Run("eve", now - 1, now, 51 * 3600))
        ada.get("/hub/home")
        wait_until(
            lambda: "Your group has used all 100 CPU hours" in ada.get("/hub/spawn").text,
            seconds=30,
            what="the group of ada is known",
        )
    hub.accounts.change("ada", groups=())
    ledger(hub).erase("eve")


def test_a_running_server_is_stopped_when_the_hours_are_used_up(
    hub: RunningHub, ada: Client
) -> None:
    _start(ada, "ada")
    wait_until(lambda: running(ada, "ada"), seconds=30, what="it runs")
    now = time.time()
    ledger(hub).add(Run("ada", now - 1, now, 60 * 3600))
    wait_until(lambda: not running(ada, "ada"), seconds=30, what="it was stopped")
    assert "its CPU quota is used up" in hub.log


def test_an_administrators_server_is_not(hub: RunningHub, root: Client) -> None:
    now = time.time()
    ledger(hub).add(Run("root", now - 1, now, 60 * 3600))
    _start(root, "root")
    wait_until(lambda: running(root, "root"), seconds=30, what="it runs")
    seen = ledger(hub).running()["root", ""].seen if ("root", "") in ledger(hub).running() else 0
    wait_until(
        lambda: ledger(hub).running()["root", ""].seen > seen + 1,
        seconds=30,
        what="passes went by",
        ignoring=KeyError,
    )
    assert running(root, "root")


def test_a_server_learns_its_quota(hub: RunningHub, ada: Client) -> None:
    _start(ada, "ada")
    wait_until(lambda: running(ada, "ada"), seconds=30, what="it runs")
    answer = report(hub, token_of(hub, "ada"), {"kernel_busy": False})
    assert answer.status_code == 200
    quota = answer.json()["quota"]
    assert quota["limit"] == 50
    assert 0 <= quota["used"] < 1
    assert quota["sentence"].startswith("You have ")
    assert answer.json()["stops"] is None


@pytest.mark.parametrize(
    "body", [None, [], {}, {"kernel_busy": 1}, {"kernel_busy": "yes"}, "x" * 10_000]
)
def test_a_report_that_is_wrong_is_refused(hub: RunningHub, ada: Client, body: Any) -> None:
    _start(ada, "ada")
    wait_until(lambda: running(ada, "ada"), seconds=30, what="it runs")
    assert report(hub, token_of(hub, "ada"), body).status_code == 400


def test_nobody_else_may_report(hub: RunningHub, ada: Client) -> None:
    assert report(hub, "0" * 32, {"kernel_busy": True}).status_code == 403
    assert report(hub, hub.state.secret("metrics"), {"kernel_busy": True}).status_code == 403
    # Not by the cookie of a page, either.
    assert ada.api("POST", "/usage", json={"kernel_busy": True}).status_code == 403


def _burn(hub: RunningHub) -> None:
    """Makes ada's server use a whole core: its debugger is the signal below."""
    server_process(hub, "ada").send_signal(signal.SIGUSR1)


def test_an_administrator_learns_of_a_server_without_busy_kernel(
    hub: RunningHub, ada: Client, root: Client
) -> None:
    _start(ada, "ada")
    wait_until(lambda: running(ada, "ada"), seconds=30, what="it runs")

    def reported() -> bool:
        return "servers that may be misused" in root.get("/hub/status").text

    # Its start is work as well. Its size is small, so that it gets that much of a busy machine.
    wait_until(lambda: not reported(), seconds=60, what="it is idle")
    _burn(hub)
    wait_until(reported, seconds=60, what="the page says so")
    assert re.search(r"<li>ada: for", root.get("/hub/status").text)
    headers = {"Authorization": f"token {hub.state.secret('metrics')}"}
    assert "km3net_suspicious_servers 1.0" in root.get("/hub/metrics", headers=headers).text
    assert "the server of ada has used all its cores" in hub.log
    # Nobody else does, and nothing was stopped.
    assert "misused" not in ada.get("/hub/status").text
    assert "misused" not in httpx.get(f"{hub.url}/hub/status").text
    assert running(ada, "ada")
    # While a kernel is busy there is nothing to see.
    token = token_of(hub, "ada")

    def busy() -> bool:
        report(hub, token, {"kernel_busy": True})
        return "misused" not in root.get("/hub/status").text

    wait_until(busy, seconds=30, what="the alert ends")


def test_the_numbers_name_nobody(hub: RunningHub, ada: Client) -> None:
    _start(ada, "ada")
    wait_until(lambda: running(ada, "ada"), seconds=30, what="it runs")
    headers = {"Authorization": f"token {hub.state.secret('metrics')}"}

    def metrics() -> str:
        return ada.get("/hub/metrics", headers=headers).text

    wait_until(
        lambda: (
            'km3net_users{span="day"} ' in metrics()
            and re.search(r"^km3net_cpu_seconds_total [1-9.]", metrics(), re.MULTILINE) is not None
        ),
        seconds=30,
        what=metrics,
    )
    assert "km3net_server_seconds_total" in metrics()
    own = [line for line in metrics().splitlines() if line.startswith("km3net_")]
    assert not any("ada" in line for line in own)


def test_a_broken_ledger_keeps_nobody_from_work(hub: RunningHub, ada: Client) -> None:
    path = hub.state.usage
    kept = path.with_suffix(".kept")
    os.replace(path, kept)
    path.mkdir()
    try:
        assert _start(ada, "ada").status_code in {201, 202}
        wait_until(lambda: running(ada, "ada"), seconds=30, what="it runs")
        wait_until(lambda: "usage is not counted" in hub.log, seconds=30, what="it is logged")
    finally:
        path.rmdir()
        os.replace(kept, path)


def test_a_damaged_ledger_is_set_aside_at_the_next_start(hub: RunningHub) -> None:
    hub.stop()
    path: Path = hub.state.usage
    path.write_bytes(b"damaged" * 1000)
    hub.start()
    wait_until(lambda: path.with_suffix(".broken").exists(), seconds=30, what="it was renamed")
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version").fetchone()
