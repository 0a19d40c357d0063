"""`make tools` installs what is missing, or says what to ask an administrator for."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests import tools
from tests.commands import run
from tests.tools import TOOLS, Tool

SCRIPT = Path(tools.__file__)


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_a_tool_is_a_command_a_file_or_a_library(tmp_path: Path) -> None:
    (tmp_path / "16").mkdir()
    (tmp_path / "16" / "initdb").touch()
    assert Tool("a", (), ("sh",)).present()
    assert Tool("a", (), ("no-such-command", f"{tmp_path}/*/initdb")).present()
    assert Tool("a", (), ("libc.so.6",)).present()
    assert not Tool("a", (), ("no-such-command", f"{tmp_path}/*/psql", "libnone.so.9")).present()


def test_without_apt_it_names_programs_and_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    named = r"missing: Caddy, Chromium, the OpenSSH client.*"
    with pytest.raises(tools.ToolsError, match=named) as error:
        tools.install(list(TOOLS))
    assert "package manager; on Debian they are the packages caddy chromium openssh-client" in str(
        error.value
    )


def test_someone_who_is_not_root_gets_the_command_for_an_administrator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "apt-get", "exit 9")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(tools.ToolsError) as error:
        tools.install([tool for tool in TOOLS if tool.name in ("Chromium", "restic")])
    assert str(error.value) == (
        "missing: Chromium, restic. Only root can install them: run `sudo make tools`, or ask an"
        " administrator to run `apt-get install --no-install-recommends chromium restic`"
    )


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the PATH of root, and the program that forbids services to start in it."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(tools, "POLICY", tmp_path / "policy-rc.d")
    return tmp_path


def test_services_may_not_start_while_packages_are_installed_and_may_afterwards(
    root: Path,
) -> None:
    program(root, "systemctl", f"echo systemctl $* >> {root}/log")
    program(root, "apt-get", f"{root}/policy-rc.d nginx start; echo $? $* >> {root}/log")
    tools.install([tool for tool in TOOLS if tool.name == "nginx"])
    log = (root / "log").read_text().splitlines()
    assert log[:2] == ["101 update", "101 install --yes --no-install-recommends nginx-light"]
    assert not (root / "policy-rc.d").exists()


def test_an_administrators_own_policy_stays(root: Path) -> None:
    program(root, "policy-rc.d", "exit 104")
    program(root, "apt-get", f"{root}/policy-rc.d; echo $? >> {root}/log")
    tools.install([TOOLS[0]])
    assert (root / "log").read_text().split() == ["104", "104"]
    assert "exit 104" in (root / "policy-rc.d").read_text()


def test_what_apt_says_is_shown_and_the_policy_removed(root: Path) -> None:
    program(root, "apt-get", "echo E: no network >&2; exit 100")
    with pytest.raises(tools.ToolsError, match="`apt-get update` failed:\nE: no network"):
        tools.install([TOOLS[0]])
    assert not (root / "policy-rc.d").exists()


def test_every_command_that_tests_look_for_is_a_tool() -> None:
    """What a skipped test promises of `make tools`, it installs."""
    promised = run(
        "git",
        "grep",
        "-hE",
        "make tools",
        "--",
        "tests/**/*.py",
        "deploy/tests/*.py",
        cwd=SCRIPT.parents[1],
    ).stdout
    for name in ("Chromium", "restic", "nftables", "promtool", "STILTS", "PostgreSQL", "nginx"):
        assert name in promised
        assert any(tool.name == name for tool in TOOLS)


def test_where_nothing_is_missing_it_says_so_and_installs_nothing(root: Path) -> None:
    if tools.missing():
        pytest.skip("programs are missing; run: make tools")
    program(root, "apt-get", "exit 9")
    done = run(sys.executable, SCRIPT)
    assert done.stdout == f"All {len(TOOLS)} programs that tests need are installed.\n"
