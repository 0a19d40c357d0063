"""Scans all pseudo-experiments of a study, and continues stopped scans."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nugamma.inference.problem import Problem
from nugamma.running.journal import Journal
from nugamma.running.origin import scan_differences
from nugamma.running.study import Study, scan_one
from nugamma.running.workers import Inline, Workers

#: Pseudo-experiments per task: enough work for the overhead, and not too much to lose.
PER_TASK = {"pinned": 5, "profile": 1}


def run_study(
    problem: Problem,
    study: Study,
    *,
    workers: Workers | None = None,
    out: Path | None = None,
    origin: Mapping[str, Any] | None = None,
    restart: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> list[dict[str, Any]]:
    """Scans all pseudo-experiments of a study.

    Every pseudo-experiment is computed by itself, so results are identical, bit for bit, whatever
    the kind and number of workers, and after interruptions.

    Parameters
    ----------
    problem
        The source.
    study
        The pseudo-experiments.
    workers
        Where to run; by default in this process.
    out
        Result file: finished work is kept beside it and not repeated. The caller writes the file
        and then calls `forget`.
    origin
        From `nugamma.running.origin.scan_origin`: stored with unfinished work, which is continued
        only if it is the same.
    restart
        Whether to discard kept work first.
    progress
        Called with the number of newly finished pseudo-experiments.

    Returns
    -------
    list of dict
        From `nugamma.running.study.scan_one`, by index.
    """
    runner = workers or Inline()
    if study.mode == "profile":
        _ = problem.blocks  # computed once, and sent to the workers
    if out is None:
        done: dict[int, dict[str, Any]] = {}
        for entry in _results(runner, problem, study, list(study.indices)):
            done[entry["index"]] = entry
            progress(1)
        return [done[index] for index in study.indices]
    journal = Journal(out, study.key(problem), origin, scan_differences)
    if restart:
        journal.remove()
    with journal:
        progress(len(journal.done))
        missing = [index for index in study.indices if index not in journal.done]
        for entry in _results(runner, problem, study, missing):
            journal.add(entry)
            progress(1)
        return [journal.done[index] for index in study.indices]


def forget(out: Path) -> None:
    """Deletes the kept work of a scan whose result is written."""
    Journal(out, "").remove()
    out.with_name(f"{out.name}.journal.lock").unlink(missing_ok=True)


def scan_some(shared: tuple[Problem, Study], indices: list[int]) -> list[dict[str, Any]]:
    """Scans the pseudo-experiments of one task."""
    problem, study = shared
    return [scan_one(problem, study, index) for index in indices]


def _results(runner: Workers, problem: Problem, study: Study, indices: list[int]) -> Any:
    size = PER_TASK[study.mode]
    parts = [indices[i : i + size] for i in range(0, len(indices), size)]
    if not parts:
        return
    for entries in runner.run(scan_some, (problem, study), parts):
        yield from entries
