"""`make engine` where there is nothing to do, where it may not, and where it cannot."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.commands import run
from tests.images.container import ROOT, Container, docker

Start = Callable[..., Container]
SCRIPT = ROOT / "images/engine.py"


def bare_debian(start: Start, user: str) -> subprocess.CompletedProcess[str]:
    """Run it on a Debian that has no engine, and no network to get one."""
    container = start("base", f"--user={user}", idle=True)
    docker("exec", "--user=0", container.identity, "mkdir", "/probe")
    docker("cp", str(SCRIPT), f"{container.identity}:/probe/engine.py")
    return container.run("python3", "/probe/engine.py", check=False)


@pytest.mark.docker
def test_an_engine_that_answers_is_left_alone(need: Callable[[str], str]) -> None:
    need("base")
    before = docker("info", "--format", "{{.ID}} {{.SystemTime}}").stdout.split()[0]
    done = run(sys.executable, SCRIPT, status=None)
    if "only root can" in done.stderr:
        pytest.skip("something besides the engine is missing: run `sudo make engine`")
    assert done.returncode == 0, done.stderr
    assert "answers, and nothing is missing" in done.stdout
    assert docker("info", "--format", "{{.ID}}").stdout.strip() == before


@pytest.mark.docker
def test_another_user_learns_what_root_has_to_run(start: Start) -> None:
    done = bare_debian(start, "1000")
    assert done.returncode == 1
    assert done.stderr.startswith("make engine: only root can install docker.io docker-compose")
    assert "run `sudo make engine`" in done.stderr


@pytest.mark.docker
def test_without_network_the_message_quotes_apt(start: Start) -> None:
    done = bare_debian(start, "0")
    assert done.returncode == 1
    assert "make engine: `apt-get " in done.stderr
    assert "Traceback" not in done.stderr
