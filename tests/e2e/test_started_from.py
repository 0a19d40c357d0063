"""A platform started as cron or systemd would, behind a web proxy, in a folder with any letters."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest

from tests.commands import run
from tests.e2e.platforms import KM3HUB, PORTAL, ROOT, Platform, options, share_installation
from tests.e2e.servers import start_kernel, start_server
from tests.ports import free_ports

#: Nothing listens on port 9 (discard): what goes through this proxy fails at once.
BARE = {
    "PATH": "/usr/bin:/bin",
    "LC_ALL": "C",
    "http_proxy": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "all_proxy": "socks5://127.0.0.1:9",
}


def bare(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`km3hub ARGUMENTS` without terminal, HOME and USER."""
    return run(
        KM3HUB,
        *arguments,
        status=None,
        cwd="/",
        env=BARE,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("Größe mit 'Leerzeichen' $HOME ñ")
    state, config = folder / "état 100% #1? {x}", folder / "réglages" / "platform.yaml"
    state.mkdir()
    config.parent.mkdir()
    config.write_text("site: {name: Κοσμικό κέντρο}", encoding="utf-8")
    share_installation(state)
    port = free_ports(PORTAL + 1)
    named = options(state, config, "km3bare")
    result = bare("up", "--mode", "embedded", "--port", str(port), *named)
    assert result.returncode == 0, result.stdout + result.stderr
    lines = (state / "first-login.txt").read_text().splitlines()[1:]
    passwords = dict(line.split() for line in lines)
    running = Platform(
        mode="embedded",
        state=state,
        config=config,
        project="km3bare",
        address=f"http://127.0.0.1:{port}",
        user="user",
        password=passwords["user"],
        admin_password=passwords["admin"],
    )
    yield running
    assert bare("down", *named).returncode == 0


def test_a_users_server_has_the_proxy_every_letter_and_a_home(platform: Platform) -> None:
    person = platform.api(platform.user, platform.password)
    start_server(person)
    code = (
        "import json, os, pathlib;"
        " pathlib.Path('Ωmega ä.txt').write_text('ü');"
        " print(json.dumps([dict(os.environ), os.listdir('.'), pathlib.Path('Ωmega ä.txt')"
        ".read_text()]))"
    )
    told, files, text = json.loads(start_kernel(person).run(code))
    for name in ("http_proxy", "HTTPS_PROXY", "all_proxy"):
        assert told[name] == BARE[name]
    assert {"127.0.0.1", "localhost", "::1"} <= set(told["no_proxy"].split(","))
    assert told["HOME"] == str(platform.state / "homes" / platform.user)
    assert "Ωmega ä.txt" in files
    assert text == "ü"


def test_notebooks_reach_the_portal_past_the_proxy(platform: Platform) -> None:
    platform.await_portal()
    person = platform.api(platform.user, platform.password)
    start_server(person)
    code = (
        "import os, urllib.request;"
        " print(urllib.request.urlopen(os.environ['OPENKM3_SERVER'] + '/health').status)"
    )
    assert start_kernel(person).run(code).strip() == "200"


def test_every_command_answers_there(platform: Platform) -> None:
    platform.await_portal()
    named = options(platform.state, platform.config, platform.project)
    status = bare("status", *named)
    assert status.returncode == 0, status.stderr
    assert "does not answer" not in status.stdout
    again = bare("up", *named)
    assert again.returncode == 0, again.stderr
    assert "(already running)" in again.stdout
    for command in (
        ("accounts", "--state", str(platform.state), "list"),
        ("check", str(platform.config)),
    ):
        answer = bare(*command)
        assert answer.returncode == 0, answer.stderr
        assert "Traceback" not in answer.stderr


def test_make_works_without_a_terminal() -> None:
    done = run(
        "make",
        "--directory",
        ROOT,
        "status",
        status=None,
        cwd="/",
        env=BARE,
        stdin=subprocess.DEVNULL,
        timeout=300,
    )
    assert "Installing" not in done.stdout
    assert "Traceback" not in done.stderr
    assert "run" in done.stdout
