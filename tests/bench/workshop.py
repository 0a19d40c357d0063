"""What a hundred participants cost the hub, whose servers wait for news of their teachers."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

import httpx
import psutil

from tests.bench.figures import Figure, percentile
from tests.hub.running import RunningHub
from tests.hub.teaching.conftest import CONFIG

TITLE = "A workshop of a hundred participants"
PARTICIPANTS = 100
#: How long the hub is watched while nothing happens.
SECONDS = 120.0
HOLD = 60.0
PASSWORD = "kanugu-posifo-gemoka-87"


def measure() -> list[Figure]:
    """Let a hundred clients wait as servers do, then send a message to all."""
    with tempfile.TemporaryDirectory() as folder:
        hub = RunningHub(Path(folder), config=CONFIG)
        hub.accounts.add("tess", PASSWORD, groups=("workshop-school-teachers",))
        names = [f"p{number:03d}" for number in range(PARTICIPANTS)]
        for name in names:
            hub.accounts.add(name, PASSWORD, groups=("workshop-school",))
        hub.start()
        try:
            tokens = [_token(hub, name) for name in names]
            return asyncio.run(_run(hub, tokens))
        finally:
            hub.stop()


def _token(hub: RunningHub, name: str) -> str:
    """A token with the right of a user's own server."""
    with hub.client() as browser:
        browser.login(name, PASSWORD)
        browser.get("/hub/home")
        answer = browser.api("POST", f"/users/{name}/tokens", json={})
        return str(answer.json()["token"])


async def _run(hub: RunningHub, tokens: list[str]) -> list[Figure]:
    assert hub.process
    process = psutil.Process(hub.process.pid)
    requests = 0
    arrived: list[float] = []
    sent = float("inf")

    async def wait(client: httpx.AsyncClient, token: str) -> None:
        nonlocal requests
        version = ""
        while True:
            report = {"version": version, "hold": HOLD, "memory": {"used": 1 << 28, "limit": None}}
            headers = {"Authorization": f"token {token}"}
            answer = await client.post("/workshops", json=report, headers=headers)
            requests += 1
            version = answer.json()["version"]
            if answer.json()["workshops"][0]["messages"] and time.monotonic() > sent:
                arrived.append(time.monotonic() - sent)
                return

    limits = httpx.Limits(max_connections=None)
    base = f"http://127.0.0.1:{hub.port + 1}/hub/api"
    async with httpx.AsyncClient(base_url=base, timeout=HOLD + 60, limits=limits) as client:
        tasks = [asyncio.ensure_future(wait(client, token)) for token in tokens]
        # The first answers come at once.
        while requests < len(tokens):
            await asyncio.sleep(0.1)
        requests, before, start = 0, _cpu(process), time.monotonic()
        await asyncio.sleep(SECONDS)
        elapsed = time.monotonic() - start
        share = (_cpu(process) - before) / elapsed
        rate = requests / elapsed
        sent = time.monotonic()
        await asyncio.to_thread(_send, hub)
        await asyncio.gather(*tasks)
    return [
        Figure("requests while nothing happens", f"{rate:.1f} a second"),
        Figure("CPU of the hub meanwhile", f"{100 * share:.1f} % of a core", "<= 5 %"),
        Figure("a message is at half of all servers after", f"{percentile(arrived, 50):.2f} s"),
        Figure("a message is at all servers after", f"{max(arrived):.2f} s", "<= 5 s"),
    ]


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _send(hub: RunningHub) -> None:
    with hub.client() as teacher:
        teacher.login("tess", PASSWORD)
        teacher.get("/hub/home")
        form = {"text": "Coffee at four", "to": "", "_xsrf": teacher.xsrf()}
        assert teacher.post("/hub/workshops/school/messages", data=form).status_code == 303
