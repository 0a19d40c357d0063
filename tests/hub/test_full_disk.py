"""The hub's database accepts logins on a full disk, and nothing in it is lost."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

pytest.importorskip("jupyterhub", reason="needs JupyterHub: make .dev installs it")

from jupyterhub import orm, roles
from sqlalchemy.exc import OperationalError

from km3hub.database import connect_arguments, reserve
from tests.hub.conftest import PASSWORD
from tests.hub.running import RunningHub, node, proxy_folder
from tests.small_disk import SmallDisk, small_disk
from tests.waiting import wait_until


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", 24) as mounted:
        yield mounted


def sessions(path: Path, **options: object) -> orm.Session:
    factory = orm.new_session_factory(f"sqlite:///{path}", **options)
    return factory()


def log_in(session: orm.Session, name: str) -> None:
    """Write what JupyterHub writes for the first login of a user and the start of a server."""
    user = orm.User(name=name)
    session.add(user)
    session.commit()
    roles.assign_default_roles(session, user)
    session.add(orm.Spawner(user=user, name=""))
    orm.APIToken.new(user=user, note="server", scopes=["self"])
    user.last_activity = orm.utcnow(with_tz=False)
    session.commit()


def names(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return {name for (name,) in database.execute("SELECT name FROM users")}


def test_the_database_of_jupyterhub_alone_refuses_a_login_on_a_full_disk(disk: SmallDisk) -> None:
    """The fault that the reserve mends; if JupyterHub mends it, the reserve can go."""
    path = disk.path / "hub.sqlite"
    session = sessions(path)
    disk.fill()
    with pytest.raises(OperationalError, match="disk is full"):
        _add_users(session, 50)


def test_users_log_in_and_start_servers_on_a_full_disk(disk: SmallDisk) -> None:
    path = disk.path / "hub.sqlite"
    assert reserve(path)
    session = sessions(path, connect_args=connect_arguments())
    _roles(session)
    log_in(session, "before")
    disk.fill()
    for number in range(30):
        log_in(session, f"user{number}")
    assert disk.free_bytes() == 0
    session.close()
    assert names(path) == {"before", *(f"user{number}" for number in range(30))}


def test_a_hub_that_starts_on_a_full_disk_uses_the_reserve(disk: SmallDisk) -> None:
    path = disk.path / "hub.sqlite"
    assert reserve(path)
    session = sessions(path, connect_args=connect_arguments())
    _roles(session)
    session.close()
    session.bind.dispose()
    disk.fill()
    assert reserve(path)
    again = sessions(path, connect_args=connect_arguments())
    log_in(again, "late")
    again.close()
    assert names(path) == {"late"}


def test_what_exceeds_the_reserve_is_refused_and_the_rest_is_kept(disk: SmallDisk) -> None:
    path = disk.path / "hub.sqlite"
    assert reserve(path, 200_000)
    session = sessions(path, connect_args=connect_arguments())
    _roles(session)
    disk.fill()
    stored: set[str] = set()
    _add_users(session, 10, stored)
    session.add_all(orm.User(name=f"{index:200}") for index in range(15_000))
    with pytest.raises(OperationalError, match="disk is full"):
        session.commit()
    session.rollback()
    assert names(path) == stored
    disk.empty()
    session.add(orm.User(name="later"))
    session.commit()
    session.close()
    assert names(path) == stored | {"later"}


def test_the_reserve_is_renewed_while_there_is_space(disk: SmallDisk) -> None:
    path = disk.path / "hub.sqlite"
    assert reserve(path)
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE t (a)")
        database.execute("INSERT INTO t VALUES (randomblob(3500000))")
        database.commit()
    for _ in range(2):  # the second time there is nothing to do
        assert reserve(path)
        with closing(sqlite3.connect(path)) as database:
            (free,) = database.execute("PRAGMA freelist_count").fetchone()
            assert free * 4096 >= 2 * 2**20
            assert database.execute("SELECT length(a) FROM t").fetchone() == (3_500_000,)
            tables = database.execute("SELECT name FROM sqlite_schema").fetchall()
            assert tables == [("t",)]


def test_a_database_without_space_for_the_reserve_is_unchanged(disk: SmallDisk) -> None:
    path = disk.path / "hub.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE t (a)")
        database.execute("INSERT INTO t VALUES (1)")
        database.commit()
    disk.fill()
    assert not reserve(path)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("SELECT a FROM t").fetchall() == [(1,)]


KILLED = """
import os, sqlite3, sys
from km3hub.database import connect_arguments
c = sqlite3.connect(sys.argv[1], **connect_arguments())
c.execute("UPDATE t SET a = 2")
c.execute("PRAGMA cache_spill = 1")
c.execute("INSERT INTO t SELECT randomblob(2000) FROM t AS x, t AS y, t AS z LIMIT 400")
os.kill(os.getpid(), 9)
"""


def test_a_transaction_of_a_killed_hub_is_rolled_back_from_the_journal(disk: SmallDisk) -> None:
    path = disk.path / "hub.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE t (a)")
        database.executemany("INSERT INTO t VALUES (?)", [(1,)] * 10)
        database.commit()
    assert reserve(path)
    disk.fill()
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], env=os.environ)
    assert done.returncode == -9
    with closing(sqlite3.connect(path, **connect_arguments())) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("SELECT DISTINCT a FROM t").fetchall() == [(1,)]


def _add_users(session: orm.Session, number: int, stored: set[str] | None = None) -> None:
    for name in (f"user{index}" for index in range(number)):
        session.add(orm.User(name=name))
        session.commit()
        if stored is not None:
            stored.add(name)


def _roles(session: orm.Session) -> None:
    for role in roles.get_default_roles():
        roles.create_role(session, role)
    session.add(orm.OAuthClient(identifier="jupyterhub"))
    session.commit()


# A real hub


@pytest.fixture
def full_hub(tmp_path: Path) -> Iterator[tuple[RunningHub, SmallDisk]]:
    """A hub whose whole state is on a small disk."""
    if node() is None or proxy_folder() is None:
        pytest.skip("needs node and configurable-http-proxy: `make up` installs both")
    with small_disk(tmp_path / "state", 64) as mounted:
        hub = RunningHub(tmp_path)
        for name in ("ada", "bob"):
            hub.accounts.add(name, PASSWORD)
        hub.start()
        try:
            yield hub, mounted
        finally:
            hub.stop()


def test_people_log_in_to_a_real_hub_on_a_full_disk_and_start_servers(
    full_hub: tuple[RunningHub, SmallDisk],
) -> None:
    hub, disk = full_hub
    with hub.client() as ada, hub.client() as bob:
        ada.login("ada", PASSWORD)  # the first login, whose commit makes the reserve
        disk.fill()
        for client, name in ((bob, "bob"), (ada, "ada")):
            answer = client.login(name, PASSWORD)
            assert answer.status_code in (200, 302), (answer.text, hub.log[-3000:])
            assert client.get("/hub/home").status_code == 200
            made = client.api("POST", f"/users/{name}/tokens")
            assert made.status_code == 201, (made.text, hub.log[-3000:])
        started = bob.api("POST", "/users/bob/server")
        assert started.status_code in (201, 202), (started.text, hub.log[-3000:])
        wait_until(
            lambda: bob.api("GET", "/users/bob").json()["servers"][""]["ready"],
            seconds=60,
            what="bob's server is ready",
            ignoring=KeyError,
        )
        assert disk.free_bytes() == 0
        wrong = bob.login("bob", "wrong")
        assert wrong.status_code == 403
        disk.empty()
        assert ada.api("POST", "/users/ada/tokens").status_code == 201
    assert {"ada", "bob"} <= names(hub.state.database)
