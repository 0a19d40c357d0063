"""Scans give the same result on any workers, and continue after a crash."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nugamma.errors import InferenceError, RunningError
from nugamma.inference.problem import Problem
from nugamma.running.journal import Journal, write_whole
from nugamma.running.scanning import forget, run_study
from nugamma.running.study import REVISION, Study, scan_one
from nugamma.running.workers import Dask, Inline, Processes, workers
from tests.nugamma.inference import synthetic
from tests.nugamma.running.study_in_a_process import STUDY
from tests.waiting import wait_until

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def problem() -> Problem:
    return synthetic.problem()


@pytest.fixture(scope="module")
def expected(problem: Problem) -> list[dict[str, Any]]:
    """The scans of `STUDY`, one after the other in this process."""
    return run_study(problem, STUDY)


def entries_in(journal: Path) -> int:
    """Count the entries below the journal's first line."""
    return journal.read_bytes().count(b"\n") - 1 if journal.exists() else 0


def started(out: Path, count: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.nugamma.running.study_in_a_process", str(out), str(count)],
        cwd=ROOT,
        start_new_session=True,
    )


def test_a_killed_scan_continues_to_the_same_result(
    tmp_path: Path, expected: list[dict[str, Any]]
) -> None:
    out = tmp_path / "scan.json"
    journal = tmp_path / "scan.json.journal"
    process = started(out, 1)
    try:
        wait_until(lambda: entries_in(journal) > 4, seconds=120, what="five entries", interval=0.02)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    kept = entries_in(journal)
    assert not out.exists()
    assert 5 <= kept < STUDY.pseudo
    # a crash can cut the last line off
    with journal.open("ab") as handle:
        handle.write(b'{"index": 59, "fraction": [[0.0, 0.1')
    done: list[int] = []
    entries = run_study(synthetic.problem(), STUDY, out=out, progress=done.append)
    assert done[0] == kept
    assert sum(done) == STUDY.pseudo
    assert json.dumps(entries) == json.dumps(expected)
    forget(out)
    assert list(tmp_path.iterdir()) == []


def test_a_pool_that_loses_a_process_gives_the_same_result(
    tmp_path: Path, expected: list[dict[str, Any]]
) -> None:
    """One of two worker processes is killed while it works."""
    psutil = pytest.importorskip("psutil", reason="needs psutil: run it in the dev environment")
    out = tmp_path / "scan.json"
    journal = tmp_path / "scan.json.journal"
    process = started(out, 2)
    try:
        wait_until(lambda: entries_in(journal) > 4, seconds=120, what="five entries", interval=0.02)
        children = [
            child
            for child in psutil.Process(process.pid).children()
            if "spawn_main" in " ".join(child.cmdline())
        ]
        assert len(children) == 2
        children[0].kill()
        assert process.wait(timeout=120) == 0
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert json.loads(out.read_text()) == json.loads(json.dumps(expected))


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A Dask scheduler and two workers, each a process."""
    pytest.importorskip("distributed", reason="needs Dask: pip install 'nugamma[dask]'")
    address_file = tmp_path / "scheduler.json"
    scheduler = subprocess.Popen(
        [
            *(sys.executable, "-m", "distributed.cli.dask_scheduler"),
            *("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show"),
            *("--scheduler-file", str(address_file)),
        ],
        stderr=subprocess.DEVNULL,
    )
    running = [scheduler]
    try:
        wait_until(
            lambda: address_file.exists() and address_file.read_text()[-1:] == "}",
            seconds=120,
            what="the scheduler has written its address",
        )
        address = json.loads(address_file.read_text())["address"]
        for _ in range(2):
            running.append(
                subprocess.Popen(
                    [
                        *(sys.executable, "-m", "distributed.cli.dask_worker", address),
                        *("--nthreads", "1", "--no-nanny", "--no-dashboard"),
                        *("--local-directory", str(tmp_path / "dask")),
                    ],
                    stderr=subprocess.DEVNULL,
                    cwd=ROOT,
                    env={**os.environ, "PYTHONPATH": str(ROOT)},
                )
            )
        yield address, running[1:]
    finally:
        for process in reversed(running):
            process.kill()
            process.wait()


def test_a_dask_cluster_that_loses_a_worker_gives_the_same_result(
    cluster: tuple[str, list[subprocess.Popen[bytes]]],
    problem: Problem,
    expected: list[dict[str, Any]],
) -> None:
    from distributed import Client

    address, processes = cluster
    with Client(address, set_as_default=False) as client:  # type: ignore[no-untyped-call]
        client.wait_for_workers(2, timeout=60)
    finished = threading.Event()
    count = 0

    def progress(step: int) -> None:
        nonlocal count
        count += step
        if count > 5 and not finished.is_set():
            finished.set()
            processes[0].kill()
            processes[0].wait()

    entries = run_study(problem, STUDY, workers=Dask(address), progress=progress)
    assert finished.is_set()
    assert json.dumps(entries) == json.dumps(expected)


def test_a_pseudo_experiment_does_not_know_of_the_others(
    problem: Problem, expected: list[dict[str, Any]]
) -> None:
    assert scan_one(problem, STUDY, 41) == expected[41]
    fewer = run_study(problem, Study(share=0.0, pseudo=2, seed=3))
    assert fewer == expected[:2]
    other = run_study(problem, Study(share=0.0, pseudo=1, seed=4))
    assert other[0]["dts"] != expected[0]["dts"]


def test_work_of_another_scan_is_not_continued(tmp_path: Path, problem: Problem) -> None:
    out = tmp_path / "scan.json"
    study = Study(share=0.0, pseudo=1)
    run_study(problem, study, out=out)
    with pytest.raises(RunningError, match="other options"):
        run_study(problem, Study(share=1.0, pseudo=1), out=out)
    run_study(problem, Study(share=1.0, pseudo=1), out=out, restart=True)


def test_two_scans_do_not_write_one_file(tmp_path: Path) -> None:
    with (
        Journal(tmp_path / "scan.json", "key"),
        pytest.raises(RunningError, match="another scan"),
    ):
        Journal(tmp_path / "scan.json", "key").__enter__()
    with Journal(tmp_path / "scan.json", "key") as again:
        assert again.done == {}


def test_a_file_is_written_as_a_whole_or_not(tmp_path: Path) -> None:
    write_whole(tmp_path / "new" / "a.json", "{}")
    assert (tmp_path / "new" / "a.json").read_text() == "{}"
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(RunningError, match="cannot be written"):
        write_whole(blocked / "a.json", "{}")


def test_asimov_data_are_one_scan(problem: Problem) -> None:
    (entry,) = run_study(problem, Study(share=0.0, pseudo=0))
    assert entry["dts"][2][0] == pytest.approx(0, abs=1e-9)


def test_a_worker_with_another_revision_of_the_analysis_refuses(problem: Problem) -> None:
    study = Study(share=0.0, pseudo=1, revision=REVISION - 1)
    with pytest.raises(RunningError, match="same version of nugamma on all workers"):
        run_study(problem, study)


def test_workers_are_what_was_asked_for() -> None:
    assert isinstance(workers(1), Inline)
    assert isinstance(workers(2), Processes)
    assert isinstance(workers(2, "tcp://127.0.0.1:1"), Dask)
    with pytest.raises(RunningError, match="at least one"):
        Processes(0)


def test_an_unresponsive_scheduler_is_reported(
    problem: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed", reason="needs Dask: pip install 'nugamma[dask]'")
    monkeypatch.setattr("nugamma.running.workers.TIMEOUT", 0.5)
    with pytest.raises(RunningError, match="no Dask scheduler answers"):
        run_study(problem, Study(share=0.0, pseudo=1), workers=Dask("tcp://127.0.0.1:1"))


@pytest.mark.parametrize(
    "values",
    [
        {"share": 2.0},
        {"share": 0.0, "pseudo": -1},
        {"share": 0.0, "mode": "quick"},
        {"share": 0.0, "points": (0.0, 1.0)},
    ],
)
def test_impossible_studies_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InferenceError):
        Study(**values)


@pytest.mark.parametrize("line", ["{}", "[]", "3", '"x"'])
def test_a_journal_is_read_up_to_its_first_invalid_entry(tmp_path: Path, line: str) -> None:
    out = tmp_path / "scan.json"
    with Journal(out, "key") as journal:
        journal.add({"index": 0})
    with journal.path.open("a") as handle:
        handle.write(f'{line}\n{{"index": 1}}\n')
    with Journal(out, "key") as journal:
        assert list(journal.done) == [0]
