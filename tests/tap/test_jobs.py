"""Jobs."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from adqlite.errors import Busy, NotFound, QueryAborted, VOError
from adqlite.jobs.store import JobStore
from adqlite.limits import Limits


class Work:
    """Work that goes on until it is told to end."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = threading.Semaphore(0)

    def __call__(self, job, folder, out, stopped):
        self.begun.release()
        if job.parameters.get("QUERY") == "bad":
            raise VOError("bad query")
        if job.parameters.get("QUERY") == "bug":
            raise RuntimeError("secret detail")
        while not self.go.wait(0.02):
            if stopped():
                raise QueryAborted("stopped")
        out.write(b"done")
        return "text/plain"


@pytest.fixture
def work():
    return Work()


@pytest.fixture
def store(tmp_path, work):
    jobs = JobStore(tmp_path, Limits(jobs=5, parallel_jobs=2), work)
    yield jobs
    work.go.set()
    jobs.close()


def test_a_job_runs_from_pending_to_completed(store, work):
    job = store.create({"QUERY": "x"}, "my run")
    assert (job.phase, job.run_id) == ("PENDING", "my run")
    store.start(job.id)
    work.go.set()
    job = store.wait(store.wait(job.id, 10, "QUEUED").id, 10)
    assert (job.phase, job.mime) == ("COMPLETED", "text/plain")
    assert store.result(job.id).read_bytes() == b"done"
    assert job.created <= job.started <= job.ended


def test_only_so_many_jobs_run_at_one_time(store, work):
    jobs = [store.start(store.create({"QUERY": "x"}).id) for _ in range(4)]
    assert all(work.begun.acquire(timeout=60) for _ in range(2))
    assert not work.begun.acquire(timeout=0.3)
    assert sorted(store.get(j.id).phase for j in jobs) == ["EXECUTING"] * 2 + ["QUEUED"] * 2


def test_more_jobs_than_are_kept_are_refused_until_one_is_deleted(store):
    ids = [store.create({}).id for _ in range(5)]
    with pytest.raises(Busy, match="delete"):
        store.create({})
    store.delete(ids[0])
    assert not store.path(ids[0]).exists()
    store.create({})


def test_a_running_job_is_aborted(store, work):
    job = store.start(store.create({"QUERY": "x"}).id)
    assert work.begun.acquire(timeout=60)
    assert store.abort(job.id).phase == "ABORTED"
    store.delete(job.id)
    with pytest.raises(NotFound):
        store.get(job.id)


@pytest.mark.parametrize(("query", "words"), [("bad", "bad query"), ("bug", "the service failed")])
def test_a_job_that_fails_says_why_but_not_more(store, query, words):
    job = store.start(store.create({"QUERY": query}).id)
    job = store.wait(store.wait(job.id, 10, "QUEUED").id, 10)
    assert job.phase == "ERROR"
    assert words in job.error
    assert "secret" not in job.error


def test_a_started_job_keeps_its_parameters(store):
    job = store.create({"QUERY": "x"})
    assert store.set_parameters(job.id, {"LANG": "ADQL"}).parameters == {
        "QUERY": "x",
        "LANG": "ADQL",
    }
    store.start(job.id)
    with pytest.raises(VOError, match="cannot be changed"):
        store.set_parameters(job.id, {"QUERY": "y"})


def test_jobs_are_deleted_when_their_time_is_over(store):
    job = store.create({})
    kept = store.create({})
    late = store.set_destruction(kept.id, datetime.now(UTC) + timedelta(days=999))
    assert late.destruction - late.created <= timedelta(days=7)
    store.set_destruction(job.id, datetime.now(UTC) - timedelta(seconds=1))
    assert store.sweep() == 1
    assert store.get(kept.id).id == kept.id


def test_jobs_of_a_process_that_ended_run_in_the_next_one(tmp_path):
    first = Work()
    jobs = JobStore(tmp_path, Limits(parallel_jobs=1), first)
    running = jobs.start(jobs.create({"QUERY": "x"}).id)
    waiting = jobs.start(jobs.create({"QUERY": "x"}).id)
    assert first.begun.acquire(timeout=60)
    jobs.close()
    second = Work()
    second.go.set()
    again = JobStore(tmp_path, Limits(parallel_jobs=1), second)
    try:
        for job in (running, waiting):
            for phase in ("QUEUED", "EXECUTING"):
                found = again.wait(job.id, 10, phase)
            assert found.phase == "COMPLETED"
    finally:
        again.close()


def test_a_second_process_leaves_the_jobs_of_the_first_alone(tmp_path, work, store):
    job = store.start(store.create({"QUERY": "x"}).id)
    assert work.begun.acquire(timeout=60)
    other = JobStore(tmp_path, Limits(), Work())
    assert other.get(job.id).phase == "EXECUTING"
    other.abort(job.id)
    other.close()
    assert store.get(job.id).phase == "ABORTED"
