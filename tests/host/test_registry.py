"""Transfers that cannot succeed say why and what to do."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from km3host.cli import cli
from tests.host.machines import docker

LOST = f"sha256:{'0' * 64}"


@pytest.fixture
def password(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text("of the tests\n")
    return file


def output(*arguments: str) -> str:
    done = CliRunner().invoke(cli, ["registry", *arguments])
    assert done.exit_code != 0
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.output


def test_unreachable_registry_is_reported(restic: None, password: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    text = output("pull", address, "km3net/none:1", LOST, "--digest", LOST,
                  "--password-file", str(password))  # fmt: skip
    assert f"cannot log in to the registry {address}" in text
    assert "Running servers are not affected" in text
    assert "of the tests" not in text


def test_missing_image_is_reported(restic: None, password: Path) -> None:
    text = output("push", "127.0.0.1:1", "km3net/none:1", LOST, "--password-file", str(password))
    assert "the image km3net/none:1 is not on this machine: run the playbook site" in text


def test_image_that_is_not_the_recorded_one_is_refused(restic: None, password: Path) -> None:
    present = docker("image", "ls", "--format={{.Repository}}:{{.Tag}}").splitlines()
    named = [name for name in present if "<none>" not in name]
    if not named:
        pytest.skip("the engine has no image: make images")
    text = output("push", "127.0.0.1:1", named[0], LOST, "--password-file", str(password))
    assert f"not the recorded {LOST}: another image has taken its name" in text


def test_password_file_that_is_missing_is_reported(tmp_path: Path) -> None:
    missing = str(tmp_path / "none")
    text = output("push", "127.0.0.1:1", "km3net/none:1", LOST, "--password-file", missing)
    assert missing in text
