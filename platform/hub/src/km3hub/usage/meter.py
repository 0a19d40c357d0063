"""Counts what running servers use: one pass over all of them.

Pure bookkeeping, without JupyterHub: `configure.usage` feeds it with samples once a minute.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from km3hub.usage.ledger import Ledger, Run, RunningServer, Sample

__all__ = ["FULL", "Pass", "count"]

#: Seconds over which the load of a server is averaged, so that short pauses do not hide it.
AVERAGED = 600.0
#: Share of its cores from which a server counts as fully used.
FULL = 0.8
#: Seconds for which the report of a busy kernel counts; servers report once a minute.
KERNEL = 600.0


@dataclass(frozen=True)
class Pass:
    """The result of one pass."""

    server_seconds: float
    cpu_seconds: float
    running: list[RunningServer]


def count(ledger: Ledger, samples: Iterable[tuple[Sample, float]], now: float) -> Pass:
    """Add to the ledger what was used since the last pass.

    Parameters
    ----------
    ledger
        The ledger.
    samples
        The running servers, each with its number of cores.
    now
        The moment of the samples, in seconds since 1970.

    Raises
    ------
    LedgerError
        If the ledger cannot be used. Nothing is lost: the next pass covers this one's time.
    """
    before = ledger.running()
    runs, running = [], []
    for sample, cores in samples:
        last = before.get((sample.user, sample.name))
        start, used = _since(sample, last)
        if now > start:
            runs.append(Run(sample.user, start, now, used))
        running.append(_next(sample, last, cores, now))
    ledger.record(runs, running, now)
    return Pass(
        sum(run.end - run.start for run in runs), sum(run.cpu_seconds for run in runs), running
    )


def _since(sample: Sample, last: RunningServer | None) -> tuple[float, float]:
    """Returns the start of the time to add, and the processor time since then."""
    if last is None or last.identity != sample.identity or last.cpu_seconds > sample.cpu_seconds:
        return sample.started, sample.cpu_seconds
    return last.seen, sample.cpu_seconds - last.cpu_seconds


def _next(sample: Sample, last: RunningServer | None, cores: float, now: float) -> RunningServer:
    start, used = _since(sample, last)
    known = last if last and last.identity == sample.identity else None
    server = RunningServer(
        sample.user,
        sample.name,
        sample.identity,
        sample.cpu_seconds,
        seen=now,
        load=known.load if known else 0.0,
        full_since=known.full_since if known else None,
        kernel_busy=known.kernel_busy if known else None,
        used_up=last.used_up if last else None,
    )
    if now <= start:
        return server
    rate = used / (now - start)
    load = rate + (server.load - rate) * math.exp(-(now - start) / AVERAGED)
    kernel = server.kernel_busy is not None and now - server.kernel_busy < KERNEL
    full = load >= FULL * cores and not kernel
    return replace(server, load=load, full_since=(server.full_since or start) if full else None)
