"""A portal on a full disk reads, says what it cannot do, and recovers without a restart."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from django.db import DatabaseError
from lxml import etree

from tests import commands
from tests.small_disk import SmallDisk, small_disk
from tests.waiting import wait_until

from .prepared import MIGRATE, prepared
from .running import Server, run, serve

QUERY = {"LANG": "ADQL", "QUERY": "SELECT COUNT(*) AS n FROM ant20_01.main", "FORMAT": "csv"}
#: Pages, exports, searches, feeds and downloads of records.
READABLE = (
    "/",
    "/records/ana20_01/",
    "/records/ana20_01_acc/bib",
    "/search?q=neutrino",
    "/api/v1/records/",
    "/catalog.json",
    "/oai?verb=ListRecords&metadataPrefix=oai_dc",
    "/alerts/feed.json",
    "/vo/tap/tables",
    "/vo/tap/capabilities",
    "/health",
    "/metrics",
)


@dataclass
class Portal:
    """A portal whose state is on a small disk."""

    disk: SmallDisk
    variables: dict[str, str]
    curator: dict[str, str]


@pytest.fixture(scope="module")
def portal(antares: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    folder = tmp_path_factory.mktemp("full")
    with small_disk(folder / "disk", 96) as disk:
        made = ("import", "antares", str(antares))
        variables = prepared(folder, MIGRATE, made, OPENDATA_STATE=str(disk.path / "state"))
        if "DATABASE_URL" in variables:
            pytest.skip("needs SQLite: run it without OPENDATA_DATABASE")
        token = run(variables, "token", "cora", "--role", "curator").strip()
        yield Portal(disk, variables, {"Authorization": f"Bearer {token}"})


def finished_job(server: Server) -> str:
    """Run a query as a job, and return the address of its result."""
    made = httpx.post(f"{server.url}/vo/tap/async", data=QUERY | {"PHASE": "RUN"}, timeout=60)
    job = made.headers["location"]
    wait_until(
        lambda: httpx.get(f"{job}/phase", timeout=60).text == "COMPLETED",
        seconds=120,
        what="the job is completed",
    )
    return f"{job}/results/result"


def reads(server: Server) -> None:
    """Check that whatever needs no space works."""
    for path in READABLE:
        answer = server.get(path)
        assert answer.status_code == 200, (path, answer.text)
    entries = server.get("/catalog.json").json()["entries"]
    file = next(entry for entry in entries if entry["identifier"] == "ana20_01_acc")
    assert len(server.get(f"/{file['url']}").content) == file["size"]
    answer = httpx.post(f"{server.url}/vo/tap/sync", data=QUERY, timeout=60)
    assert answer.text.split() == ["n", "8754"]
    cone = server.get("/vo/scs/ant20_01/main?RA=266.4&DEC=-29&SR=5")
    assert cone.status_code == 200


def refuses(server: Server, curator: dict[str, str]) -> None:
    """Check that whatever needs space is refused in a sentence."""
    draft = {
        "record": {"identifier": "full20_01"},
        "draft": {"title": "A record", "ktype": "km3.data.l4.lookup"},
    }
    answer = httpx.post(f"{server.url}/api/v1/drafts/", json=draft, headers=curator, timeout=60)
    assert (answer.status_code, "disk" in answer.json()["detail"]) == (507, True), answer.text
    assert "traceback" not in answer.text.lower()
    job = httpx.post(f"{server.url}/vo/tap/async", data=QUERY, timeout=60)
    assert job.status_code == 507, job.text
    info = etree.fromstring(job.content).find(".//{*}INFO[@name='QUERY_STATUS']")
    assert info is not None
    assert info.get("value") == "ERROR"
    assert "disk of this service is full" in str(info.text)
    note = server.get("/vo/tap/availability").text
    assert "disk of this service is full" in note


def test_a_running_portal_reads_on_a_full_disk_and_recovers(portal: Portal) -> None:
    with serve(portal.variables) as server:
        result = finished_job(server)
        portal.disk.fill()
        try:
            reads(server)
            assert httpx.get(result, timeout=60).text.split() == ["n", "8754"]
            refuses(server, portal.curator)
            large = httpx.post(
                f"{server.url}/vo/tap/sync",
                data=QUERY | {"UPLOAD": "t,param:t"},
                files={"t": b"<VOTABLE/>" + b" " * 4_000_000},
                timeout=60,
            )
            assert large.status_code == 507, large.text
            reads(server)
        finally:
            portal.disk.empty()
        works_again(server, portal)


def test_a_portal_starts_on_a_full_disk_reads_and_recovers(portal: Portal) -> None:
    portal.disk.fill()
    try:
        with serve(portal.variables) as server:
            reads(server)
            # The start itself may have freed some: SQLite deletes files that it no longer needs.
            portal.disk.fill()
            refuses(server, portal.curator)
            reads(server)
            portal.disk.empty()
            works_again(server, portal)
    finally:
        portal.disk.empty()


@pytest.mark.parametrize("space", [1, 12])
def test_nothing_is_lost_if_the_disk_fills_in_mid_work(portal: Portal, space: int) -> None:
    """Writes go on until the disk, with some pages of 4 kB left, is full."""
    with serve(portal.variables) as server:
        stored = []
        portal.disk.fill()
        with (portal.disk.path / "ballast").open("r+b") as file:
            file.truncate(file.seek(0, 2) - space * 4096)
        try:
            for number in range(25):
                name = f"mid20_{space:02}_{number}"
                draft = {"title": f"Record {number}", "ktype": "km3.data.l4.lookup"}
                answer = httpx.post(
                    f"{server.url}/api/v1/drafts/",
                    json={"record": {"identifier": name}, "draft": draft},
                    headers=portal.curator,
                    timeout=60,
                )
                assert answer.status_code in (201, 507), answer.text
                if answer.status_code == 201:
                    stored.append(name)
        finally:
            portal.disk.empty()
        found = httpx.get(f"{server.url}/api/v1/drafts/", headers=portal.curator, timeout=60).json()
        kept = {row["identifier"] for row in found}
        assert set(stored) <= kept
        assert {name for name in kept if name.startswith(f"mid20_{space:02}_")} == set(stored)
        for name in stored:
            path = f"{server.url}/api/v1/records/{name}/draft/"
            assert httpx.delete(path, headers=portal.curator, timeout=60).status_code == 204
    intact(portal)


def works_again(server: Server, portal: Portal) -> None:
    """Check that everything works in the same process."""
    reads(server)
    draft = {
        "record": {"identifier": "again20_01"},
        "draft": {"title": "A record", "ktype": "km3.data.l4.lookup"},
    }
    made = httpx.post(
        f"{server.url}/api/v1/drafts/", json=draft, headers=portal.curator, timeout=60
    )
    assert made.status_code == 201, made.text
    gone = httpx.delete(
        f"{server.url}/api/v1/records/again20_01/draft/", headers=portal.curator, timeout=60
    )
    assert gone.status_code == 204, gone.text
    assert httpx.get(finished_job(server), timeout=60).text.split() == ["n", "8754"]
    assert "disk" not in server.get("/vo/tap/availability").text
    intact(portal)


def intact(portal: Portal) -> None:
    """Check the databases as SQLite does, and the store as the portal does."""
    state = Path(portal.variables["OPENDATA_STATE"])
    for path in (state / "opendata.sqlite", state / "vo" / "jobs" / "jobs.sqlite"):
        with closing(sqlite3.connect(path)) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert "Everything is in order." in run(portal.variables, "check")


WRITER = """
import os, sqlite3, sys
c = sqlite3.connect(sys.argv[1])
c.execute("PRAGMA journal_mode = WAL")
c.execute("CREATE TABLE t (a)")
c.execute("INSERT INTO t VALUES (randomblob(100000))")
c.execute("DELETE FROM t")
c.commit()
c.execute("PRAGMA wal_checkpoint(TRUNCATE)")
c.execute("INSERT INTO t VALUES (7)")
c.commit()
"""


@pytest.mark.parametrize("left", ["nothing", "wal"])
def test_a_database_is_read_although_no_file_can_be_made_beside_it(
    tmp_path: Path, left: str
) -> None:
    """`wal` is what a process leaves that is killed: changes that are only in the WAL."""
    from django.db import connections

    from opendata.sqlite.base import DatabaseWrapper

    with small_disk(tmp_path / "disk", 2) as disk:
        path = disk.path / "db.sqlite"
        end = "os._exit(0)" if left == "wal" else "c.close()"
        commands.run(sys.executable, "-c", WRITER + end, str(path))
        (disk.path / "db.sqlite-shm").unlink(missing_ok=True)
        disk.fill()
        with pytest.raises(sqlite3.OperationalError), closing(sqlite3.connect(path)) as plain:
            plain.execute("SELECT a FROM t")
        default = connections["default"].settings_dict
        database = DatabaseWrapper({**default, "NAME": path}, "small")
        try:
            with database.cursor() as cursor:
                assert cursor.execute("SELECT a FROM t").fetchall() == [(7,)]
            with pytest.raises(DatabaseError), database.cursor() as cursor:
                cursor.execute("INSERT INTO t VALUES (8)")
            database.close()
            disk.empty()
            with database.cursor() as cursor:
                cursor.execute("INSERT INTO t VALUES (8)")
                assert cursor.execute("SELECT a FROM t").fetchall() == [(7,), (8,)]
        finally:
            database.close()
