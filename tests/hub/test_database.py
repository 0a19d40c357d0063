"""The hub's connection to its database: quick, without losing what was committed."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jupyterhub", reason="needs JupyterHub: make .dev installs it")

from jupyterhub import orm
from sqlalchemy import event

from km3hub.database import connect_arguments, stop_pinging

#: Commits users one by one and reports each; is killed meanwhile.
_WRITER = """
import os, signal, sqlite3, sys
from km3hub.database import ReservedConnection
database = ReservedConnection(sys.argv[1])
database.execute("CREATE TABLE users (name TEXT)")
for number in range(20):
    database.execute("INSERT INTO users VALUES (?)", (f"user{number}",))
    database.commit()
    print(number, flush=True)
database.execute("INSERT INTO users VALUES ('uncommitted')")
os.kill(os.getpid(), signal.SIGKILL)
"""


#: JupyterHub's own, as tests that configure a hub in this process replace it.
PING = orm.register_ping_connection


def statements(path: Path) -> list[str]:
    """What JupyterHub sends to the database to look for a user."""
    sent: list[str] = []
    session = orm.new_session_factory(f"sqlite:///{path}", connect_args=connect_arguments())()

    def keep(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    event.listen(session.get_bind(), "before_cursor_execute", keep)
    assert orm.User.find(session, "ada") is None
    session.close()
    return sent


def test_jupyterhub_alone_tests_the_connection_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If JupyterHub stops doing so, `stop_pinging` can go."""
    monkeypatch.setattr(orm, "register_ping_connection", PING)
    assert statements(tmp_path / "hub.sqlite")[0].startswith("SELECT 1")


def test_the_hub_asks_only_for_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orm, "register_ping_connection", orm.register_ping_connection)
    stop_pinging()

    sent = statements(tmp_path / "hub.sqlite")

    assert len(sent) == 1
    assert "FROM users" in sent[0]


def test_a_killed_hub_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    command = [sys.executable, "-c", _WRITER, str(path)]
    reported = subprocess.run(command, capture_output=True, text=True).stdout.split()
    assert len(reported) == 20

    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        found = [name for (name,) in database.execute("SELECT name FROM users ORDER BY rowid")]

    assert found == [f"user{number}" for number in reported]
