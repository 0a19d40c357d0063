"""Where tasks run: processes of this machine, or a Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, Protocol

from nugamma.errors import RunningError

Task = Callable[[Any, Any], list[Any]]

#: Number of attempts at work whose workers die.
ATTEMPTS = 3
#: Timeout for a Dask scheduler, s.
TIMEOUT = 20
#: Environment variables that limit the threads of linear algebra.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Workers(Protocol):
    """Runs `task(shared, item)` for each item, and yields results as they finish."""

    def run(self, task: Task, shared: Any, items: Sequence[Any]) -> Iterator[list[Any]]:
        """Yields the result of each item exactly once, in any order."""


class Inline:
    """The calling process."""

    def run(self, task: Task, shared: Any, items: Sequence[Any]) -> Iterator[list[Any]]:
        """Yields the results in the order of the items."""
        for item in items:
            yield task(shared, item)


class Processes:
    """Processes of this machine.

    Parameters
    ----------
    count
        Number of processes.
    """

    def __init__(self, count: int) -> None:
        if count < 1:
            raise RunningError(f"{count} workers: at least one is needed")
        self.count = count

    def run(self, task: Task, shared: Any, items: Sequence[Any]) -> Iterator[list[Any]]:
        """Yields the results as they finish; replaces a pool that lost a process."""
        waiting = list(items)
        for _ in range(ATTEMPTS):
            with _one_thread():
                pool = ProcessPoolExecutor(
                    min(self.count, len(waiting)),
                    mp_context=multiprocessing.get_context("spawn"),
                    initializer=_keep,
                    initargs=(task, shared),
                )
                futures = {pool.submit(_run_kept, item): item for item in waiting}
            try:
                for future in as_completed(futures):
                    result = future.result()
                    waiting.remove(futures[future])
                    yield result
                return
            except BrokenProcessPool:
                continue
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
        raise RunningError(
            f"worker processes died {ATTEMPTS} times, perhaps for lack of memory; finished work is "
            "kept, so run the same command again with fewer --workers"
        )


class Dask:
    """A Dask cluster.

    Parameters
    ----------
    address
        Address of the scheduler, for example ``tcp://127.0.0.1:8786``.
    """

    def __init__(self, address: str) -> None:
        self.address = address

    def run(self, task: Task, shared: Any, items: Sequence[Any]) -> Iterator[list[Any]]:
        """Yields the results as they finish; work of dead workers goes to others."""
        try:
            from distributed import Client, as_completed
        except ImportError:
            raise RunningError("--scheduler needs Dask: pip install 'nugamma[dask]'") from None
        try:
            client = Client(  # type: ignore[no-untyped-call]
                self.address, timeout=TIMEOUT, set_as_default=False
            )
        except (OSError, ValueError, TimeoutError) as error:
            raise RunningError(
                f"no Dask scheduler answers at {self.address}: {error}; start one with "
                "`dask scheduler` and workers with `dask worker ADDRESS`"
            ) from error
        with client:
            if not client.scheduler_info()["workers"]:
                client.wait_for_workers(1, timeout=TIMEOUT)
            waiting = list(items)
            for _ in range(ATTEMPTS):
                # Data that only a dead worker had is lost, so everything is sent again.
                sent = client.scatter(  # type: ignore[no-untyped-call]
                    shared, broadcast=True, hash=False
                )
                futures = [client.submit(task, sent, item, pure=False) for item in waiting]
                place = dict(zip(futures, waiting, strict=True))
                for future in as_completed(  # type: ignore[no-untyped-call]
                    futures, loop=client.loop
                ):
                    if future.status != "finished":
                        if future.status == "error" and not _is_loss(future.exception()):
                            raise future.exception()
                        continue
                    waiting.remove(place[future])
                    yield future.result()
                if not waiting:
                    return
        raise RunningError(
            f"workers of {self.address} were lost {ATTEMPTS} times; finished work is kept, so run "
            "the same command again"
        )


def workers(count: int | None = None, scheduler: str | None = None) -> Workers:
    """Returns workers for the command line: a cluster if there is a scheduler, else processes.

    Parameters
    ----------
    count
        Number of processes; by default one per core. With one, work runs in this process.
    scheduler
        Address of a Dask scheduler.
    """
    if scheduler:
        return Dask(scheduler)
    if count is None:
        count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    return Inline() if count == 1 else Processes(count)


_kept: dict[str, Any] = {}


def _keep(task: Task, shared: Any) -> None:
    """Keeps in a worker what all its tasks need."""
    _kept.update(task=task, shared=shared)


def _run_kept(item: Any) -> list[Any]:
    result: list[Any] = _kept["task"](_kept["shared"], item)
    return result


def _is_loss(error: BaseException | None) -> bool:
    from distributed.scheduler import KilledWorker

    return isinstance(error, KilledWorker)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Makes processes started here use one thread each for linear algebra."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
