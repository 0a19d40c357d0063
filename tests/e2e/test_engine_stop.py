"""The Docker Engine is stopped while people work, and started again: a reboot, or an upgrade.

This stops the engine of the machine, with all that runs in it; so it must be asked for:
KM3_STOP_ENGINE=1 make test TESTS=tests/e2e/test_engine_stop.py
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from tests.commands import run
from tests.e2e.conftest import why_no_containers
from tests.e2e.platforms import ROOT, start
from tests.e2e.servers import start_kernel, start_server
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(
    os.environ.get("KM3_STOP_ENGINE") != "1",
    reason="stops this machine's Docker Engine; to allow that: KM3_STOP_ENGINE=1",
)


def stop_engine() -> None:
    engine = next(p for p in psutil.process_iter(["name"]) if p.info["name"] == "dockerd")
    engine.send_signal(signal.SIGTERM)
    engine.wait(timeout=90)


def start_engine() -> None:
    run(sys.executable, ROOT / "images" / "engine.py", timeout=120)


def login_page_answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/hub/login", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def test_the_platform_and_all_files_survive_a_stop_of_the_engine(tmp_path: Path) -> None:
    if reason := why_no_containers():
        pytest.skip(reason)
    platform = start("docker", tmp_path, project="km3stop")
    try:
        person = platform.api(platform.user, platform.password)
        start_server(person)
        start_kernel(person).run("open('kept.txt', 'w').write('2499 events')")

        stop_engine()
        assert not login_page_answers(platform.address)
        told = platform.command("status")
        assert told.returncode != 0
        assert "Traceback" not in told.stderr
        start_engine()

        wait_until(
            lambda: login_page_answers(platform.address),
            seconds=120,
            what="the platform is back by itself",
        )
        person = platform.api(platform.user, platform.password)
        start_server(person)
        kept = start_kernel(person).run("print(open('kept.txt').read())")
        assert kept.strip() == "2499 events"
    finally:
        platform.stop()
