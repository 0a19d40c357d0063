"""One client cannot take the service from the others: jobs, their order, space, temporary files."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adqlite.clients import client_of
from adqlite.errors import Busy, NotFound, QueryAborted, StorageFull
from adqlite.jobs.store import JobStore
from adqlite.limits import Limits
from adqlite.queries.gate import Gate
from adqlite.spool import Spool
from tests.waiting import wait_until


class Work:
    """Work that ends when the test says so; it notes the order of jobs."""

    def __init__(self, size: int = 4) -> None:
        self.go = threading.Event()
        self.order: list[str] = []
        self.begun = threading.Semaphore(0)
        self.size = size

    def __call__(self, job, folder, out, stopped):
        self.order.append(job.parameters["NAME"])
        self.begun.release()
        while not self.go.wait(0.02):
            if stopped():
                raise QueryAborted("stopped")
        for _ in range(self.size // 1000):
            out.write(b"x" * 1000)
        out.write(b"x" * (self.size % 1000))
        return "text/plain"


@pytest.fixture
def opened(tmp_path):
    """Opens stores that are closed after the test."""
    stores = []

    def opening(work, **limits):
        store = JobStore(tmp_path / "jobs", Limits(**limits), work)
        stores.append((store, work))
        return store

    yield opening
    for store, work in stores:
        work.go.set()
        store.close()


def ended(store, job_id):
    job = store.get(job_id)
    while job.phase in ("QUEUED", "EXECUTING"):
        job = store.wait(job_id, 30, job.phase)
    return job


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::1%eth1", True),
        ("::1", "127.0.0.1", False),
        ("", "nonsense", True),
    ],
)
def test_a_client_is_an_ipv4_address_or_the_network_of_an_ipv6_address(one, other, same):
    assert (client_of(one) == client_of(other)) is same


def test_a_user_is_a_client_wherever_they_are():
    assert client_of("192.0.2.1", "7") == client_of("2001:db8::1", "7")
    assert client_of("192.0.2.1", "7") != client_of("192.0.2.1", "8")
    assert client_of("192.0.2.1", "7") != client_of("192.0.2.1")


def test_a_client_cannot_fill_the_list_of_jobs(opened):
    store = opened(Work(), jobs=500, client_jobs=50)
    for _ in range(50):
        store.create({"NAME": "a"}, client="a")
    with pytest.raises(Busy, match=r"50 jobs of yours.*delete"):
        store.create({"NAME": "a"}, client="a")
    store.create({"NAME": "b"}, client="b")


def test_clients_take_turns_however_many_jobs_one_has(opened):
    work = Work()
    store = opened(work, jobs=501, client_jobs=499, parallel_jobs=1)
    for _ in range(499):
        store.start(store.create({"NAME": "a"}, client="a").id)
    assert work.begun.acquire(timeout=60)
    # All threads are busy with jobs of the first client, and 498 more of them wait.
    others = [store.start(store.create({"NAME": n}, client=n).id) for n in ("b", "c")]
    assert work.begun.acquire(timeout=60)
    work.go.set()
    assert [ended(store, job.id).phase for job in others] == ["COMPLETED"] * 2
    assert {"b", "c"} <= set(work.order[:6])


def test_an_extra_thread_serves_only_clients_that_have_none(opened):
    work = Work()
    store = opened(work, parallel_jobs=2)
    for _ in range(5):
        store.start(store.create({"NAME": "a"}, client="a").id)
    assert all(work.begun.acquire(timeout=60) for _ in range(2))
    assert not work.begun.acquire(timeout=0.3)
    store.start(store.create({"NAME": "b"}, client="b").id)
    assert work.begun.acquire(timeout=60)
    assert work.order == ["a", "a", "b"]


def _aged(folder: Path, job_id: str, seconds: float) -> None:
    with closing(sqlite3.connect(folder / "jobs" / "jobs.sqlite")) as database, database:
        database.execute(
            "UPDATE jobs SET created = created - ?, destruction = destruction - ? WHERE id = ?",
            (seconds, seconds, job_id),
        )


def test_a_job_that_nobody_starts_is_deleted_after_an_hour(opened, tmp_path):
    store = opened(Work())
    pending, started = store.create({"NAME": "a"}), store.create({"NAME": "a"})
    assert timedelta(minutes=59) < pending.destruction - datetime.now(UTC) < timedelta(minutes=61)
    assert store.start(started.id).destruction - datetime.now(UTC) > timedelta(days=6)
    store.keep(pending.id, "t.upload", b"x")
    for job in (pending, started):
        _aged(tmp_path, job.id, 3601)
    store.sweep()
    with pytest.raises(NotFound, match="60 minutes"):
        store.get(pending.id)
    assert not store.path(pending.id).exists()
    assert store.get(started.id).phase == "EXECUTING"


def test_expired_jobs_are_deleted_although_nobody_asks_for_anything(opened, tmp_path):
    work = Work()
    work.go.set()
    store = opened(work)
    job = ended(store, store.start(store.create({"NAME": "a"}).id).id)
    store.close()
    _aged(tmp_path, job.id, 8 * 86400)
    store = opened(work)
    wait_until(
        lambda: not store.path(job.id).exists(), seconds=60, what="the old job's folder is deleted"
    )


def test_folders_of_jobs_that_are_gone_are_deleted(opened):
    store = opened(Work())
    kept = store.create({"NAME": "a"})
    for name, age in (("old", 3600), ("new", 0)):
        path = store.path(name)
        path.mkdir()
        (path / "result").write_bytes(b"x")
        os.utime(path, (time.time() - age, time.time() - age))
    os.utime(store.path(kept.id), (1, 1))
    store.sweep()
    assert not store.path("old").exists()
    assert store.path("new").exists()
    assert store.path(kept.id).exists()


def test_a_job_that_ends_the_service_again_and_again_fails(opened, tmp_path):
    work = Work()
    store = opened(work, job_attempts=2)
    job = store.start(store.create({"NAME": "a"}).id)
    for attempt in (1, 2):
        assert work.begun.acquire(timeout=60)
        # What a killed process leaves: the job is executing, and nobody holds the lock.
        with closing(sqlite3.connect(tmp_path / "jobs" / "jobs.sqlite")) as database, database:
            database.execute("UPDATE jobs SET worker = 'killed'")
        (store.path(job.id) / "partial").write_bytes(b"left behind")
        store = opened(work, job_attempts=2)
        if attempt == 2:
            break
    found = store.get(job.id)
    assert found.phase == "ERROR"
    assert "ended 2 times" in str(found.error)


def test_results_of_a_client_have_a_largest_size_together(opened):
    work = Work(size=300_000)
    work.go.set()
    store = opened(work, client_stored_bytes=1_000_000, stored_bytes=10_000_000, free_bytes=0)
    jobs = [
        ended(store, store.start(store.create({"NAME": "a"}, client="a").id).id) for _ in range(4)
    ]
    assert [job.phase for job in jobs] == ["COMPLETED"] * 3 + ["ERROR"]
    # The figure, the limit, what to do, and until when.
    assert "already keep 1.0 MB of results" in jobs[3].error
    assert "1.0 MB is the maximum for one client; delete jobs" in jobs[3].error
    assert "the next job is deleted at 20" in jobs[3].error
    assert store.stored_bytes() == 900_000
    with pytest.raises(StorageFull, match="maximum for one client"):
        store.keep(store.create({"NAME": "a"}, client="a").id, "t.upload", b"x" * 200_000)
    other = ended(store, store.start(store.create({"NAME": "b"}, client="b").id).id)
    assert other.phase == "COMPLETED"
    store.delete(jobs[0].id)
    again = ended(store, store.start(store.create({"NAME": "a"}, client="a").id).id)
    assert again.phase == "COMPLETED"


def test_results_of_all_clients_have_a_largest_size_together(opened):
    work = Work(size=300_000)
    work.go.set()
    store = opened(work, client_stored_bytes=1_000_000, stored_bytes=1_000_000, free_bytes=0)
    jobs = [ended(store, store.start(store.create({"NAME": n}, client=n).id).id) for n in "abcd"]
    assert [job.phase for job in jobs] == ["COMPLETED"] * 3 + ["ERROR"]
    assert "all clients keep" in jobs[3].error
    assert "1.0 MB is the maximum of this service" in jobs[3].error


def test_addresses_are_not_stored(opened, tmp_path):
    store = opened(Work())
    store.create({"NAME": "a"}, client=client_of("198.51.100.77"))
    content = b"".join(path.read_bytes() for path in (tmp_path / "jobs").glob("jobs.sqlite*"))
    assert b"198.51.100.77" not in content


def test_jobs_of_the_first_release_are_kept(tmp_path, opened):
    (tmp_path / "jobs").mkdir()
    with closing(sqlite3.connect(tmp_path / "jobs" / "jobs.sqlite")) as database, database:
        database.execute(
            "CREATE TABLE jobs (id TEXT PRIMARY KEY, phase TEXT NOT NULL, run_id TEXT, parameters"
            " TEXT NOT NULL, created REAL NOT NULL, started REAL, ended REAL, destruction REAL NOT"
            " NULL, duration INTEGER NOT NULL, error TEXT, mime TEXT, worker TEXT, changed INTEGER"
            " NOT NULL)"
        )
        database.execute(
            "INSERT INTO jobs VALUES ('old', 'COMPLETED', NULL, '{}', ?, 1, 2, ?, 600, NULL,"
            " 'text/plain', 'w', 3)",
            (time.time(), time.time() + 1000),
        )
    store = opened(Work())
    assert store.get("old").phase == "COMPLETED"
    store.create({"NAME": "a"}, client="a")


# Queries at the same time, and temporary space


def test_a_client_leaves_half_of_the_places_to_others():
    gate = Gate(4)
    with gate(0, "a"), gate(0, "a"):
        with pytest.raises(Busy, match="too many queries"), gate(0.01, "a"):
            pass
        with gate(0, "b"), gate(0, "b"), pytest.raises(Busy), gate(0.01, "c"):
            pass
    with gate(0, "a"):
        pass


def test_a_gate_of_one_place_serves_everyone_in_turn():
    gate = Gate(1)
    for client in ("a", "b", "a"):
        with gate(0, client):
            pass


def test_requests_of_a_client_that_wait_are_limited():
    gate, answers = Gate(2), []
    ready = threading.Semaphore(0)

    def ask() -> None:
        ready.release()
        try:
            with gate(30, "a"):
                pass
        except Busy as problem:
            answers.append(str(problem))

    with gate(0, "a"):
        threads = [threading.Thread(target=ask) for _ in range(20)]
        for thread in threads:
            thread.start()
        assert all(ready.acquire(timeout=30) for _ in threads)
        wait_until(lambda: len(answers) >= 4, seconds=30, what="four queries are refused")
    for thread in threads:
        thread.join(30)
    assert len(answers) == 4
    assert all("send fewer" in answer for answer in answers)


def test_temporary_space_is_limited_until_files_are_closed():
    spool = Spool(10_000, 6_000)
    one, other = spool.file("a"), spool.file("b")
    one.write(b"x" * 5_000)
    with pytest.raises(StorageFull, match=r"occupy 0 MB of the 0 MB.*one client"):
        one.write(b"x" * 2_000)
    other.write(b"x" * 5_000)
    with pytest.raises(StorageFull, match="all clients together"):
        spool.file("c").write(b"x")
    one.close()
    assert spool.used == 5_000
    spool.file("a").write(b"x" * 2_000)  # dropped at once: its space is free again
    assert spool.used == 5_000
    other.close()
    other.close()
    assert spool.used == 0
