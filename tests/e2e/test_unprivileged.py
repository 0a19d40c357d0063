"""Embedded mode, started by whoever runs the tests: what a notebook can read of the platform."""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Iterator
from pathlib import Path

import pytest

from km3settings.state import State
from tests.e2e.platforms import Platform, start
from tests.e2e.servers import Kernel, start_kernel, start_server

#: What a notebook reports of itself.
REPORT = """
import json, os
from pathlib import Path
state = Path(STATE)
def tried(action):
    try:
        return action()
    except OSError as error:
        return type(error).__name__
print(json.dumps({
    "uid": os.getuid(),
    "names": sorted(os.environ),
    "values": [value for name, value in os.environ.items() if name not in ("HOME", "PATH")],
    "secret": tried(lambda: (state / "secret-cookie").read_text()),
    "database": tried(lambda: (state / "hub.sqlite").read_bytes()[:6].decode()),
    "others": tried(lambda: sorted(p.name for p in (state / "homes").iterdir())),
    "home": str(Path.home()),
    "mode": oct(Path.home().stat().st_mode & 0o777),
    "written": tried(lambda: (Path.home() / "mine.txt").write_text("x")),
}))
"""


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    platform = start("embedded", tmp_path_factory.mktemp("unprivileged"), project="km3unprivileged")
    yield platform
    platform.stop()


@pytest.fixture(scope="module")
def kernel(platform: Platform) -> Kernel:
    person = platform.api(platform.user, platform.password)
    start_server(person)
    return start_kernel(person)


@pytest.fixture(scope="module")
def found(platform: Platform, kernel: Kernel) -> dict[str, object]:
    code = REPORT.replace("STATE", repr(str(platform.state)))
    report: dict[str, object] = json.loads(kernel.run(code))
    return report


def test_the_environment_has_a_mark_and_not_the_state_folder(
    platform: Platform, found: dict[str, object]
) -> None:
    names, values = found["names"], found["values"]
    assert isinstance(names, list)
    assert isinstance(values, list)
    assert "KM3_STATE" not in names
    assert str(platform.state) not in values
    assert State(platform.state).mark in values
    assert not [name for name in names if "SECRET" in name or name == "CONFIGPROXY_AUTH_TOKEN"]


def test_a_home_is_its_users_only(platform: Platform, found: dict[str, object]) -> None:
    assert found["home"] == str(platform.state / "homes" / platform.user)
    assert (found["mode"], found["written"]) == ("0o700", 1)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, as which it is about")
def test_servers_of_root_are_not_root_and_read_no_secret(
    platform: Platform, found: dict[str, object]
) -> None:
    user = pwd.getpwnam("km3net-servers")
    assert found["uid"] == user.pw_uid
    assert found["secret"] == found["database"] == "FileNotFoundError"
    assert found["others"] == [platform.user]
    home = platform.state / "homes" / platform.user
    assert {path.stat().st_uid for path in (home, home / "mine.txt")} == {user.pw_uid}
    for file in (platform.state / "hub.sqlite", platform.state / "access.json"):
        assert not file.exists() or file.stat().st_mode & 0o077 == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="needs an ordinary user")
def test_servers_of_an_ordinary_user_are_that_user(found: dict[str, object]) -> None:
    assert found["uid"] == os.getuid()


def test_down_finds_servers_by_their_mark(platform: Platform, kernel: Kernel) -> None:
    from tests.e2e.processes import processes

    assert processes(platform.state, "server")
    assert platform.command("down").returncode == 0
    assert not processes(platform.state, "server")
    assert Path(platform.state, "homes", platform.user, "mine.txt").exists()
