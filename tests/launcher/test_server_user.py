"""Started by root, embedded mode has an unprivileged user for servers, or refuses."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from km3up.failure import Failure
from km3up.server_user import SERVER_USER, provide_server_user

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, as which it is about")


def program(folder: Path, name: str, code: int, words: str = "") -> None:
    """A program of this name that fails or succeeds."""
    file = folder / name
    file.write_text(f"#!/bin/sh\necho '{words}' >&2\nexit {code}\n")
    file.chmod(0o755)


def test_the_user_is_a_system_user_who_cannot_log_in() -> None:
    assert provide_server_user() == SERVER_USER
    user = pwd.getpwnam(SERVER_USER)
    assert 0 < user.pw_uid < 1000
    assert user.pw_shell == "/usr/sbin/nologin"
    # A second time nothing is left to do.
    assert provide_server_user() == SERVER_USER


def test_without_mount_namespaces_it_refuses_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provide_server_user()
    program(tmp_path, "unshare", 1)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(Failure, match=r"must not run as root.*make up MODE=docker"):
        provide_server_user()


def test_a_user_that_cannot_be_created_is_a_refusal_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "useradd", 1, "cannot lock /etc/passwd")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(Failure, match="cannot be created: cannot lock /etc/passwd"):
        provide_server_user("km3net-nobody-has-this")
