"""What the machine had left during a rehearsal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import psutil

from km3hub.rehearsal.company import Company

__all__ = ["Machine", "Sample", "watched"]

#: Seconds between two samples.
INTERVAL = 1.0


@dataclass(frozen=True)
class Sample:
    """The machine at one moment."""

    seconds: float
    """Since the beginning."""
    cpu: float
    """Cores in use."""
    available: int
    """Bytes of memory that programs can still get."""
    holding: int
    """Participants who have a server and a kernel."""


@dataclass
class Machine:
    """The machine of the hub: its size, and samples during the rehearsal."""

    cores: int
    memory: int
    samples: list[Sample] = field(default_factory=list)

    @property
    def least_available(self) -> int:
        """The least memory that was available, in bytes."""
        return min(sample.available for sample in self.samples)

    @property
    def most_cpu(self) -> float:
        """The most cores that were in use, averaged over five samples."""
        cpu = [sample.cpu for sample in self.samples]
        groups = [cpu[first : first + 5] for first in range(max(1, len(cpu) - 4))]
        return max(sum(group) / len(group) for group in groups)

    def memory_per_user(self) -> float | None:
        """Returns the bytes that one participant took; None where too few were there."""
        first = self.samples[0]
        full = max(self.samples, key=lambda sample: sample.holding)
        if full.holding <= first.holding:
            return None
        # Of those moments in which most participants were there, the one with the least memory.
        least = min(s.available for s in self.samples if s.holding == full.holding)
        return max(0.0, (first.available - least) / (full.holding - first.holding))


@asynccontextmanager
async def watched(company: Company) -> AsyncIterator[Machine]:
    """Yields this machine, which is sampled during the block."""
    machine = Machine(psutil.cpu_count() or 1, psutil.virtual_memory().total)
    # What is in use before anybody arrives; the first call only begins the measurement.
    await asyncio.to_thread(psutil.cpu_percent, INTERVAL)
    began = time.monotonic()

    def sample() -> None:
        used = psutil.cpu_percent() / 100 * machine.cores
        available = psutil.virtual_memory().available
        now = time.monotonic() - began
        machine.samples.append(Sample(now, used, available, company.here))

    async def keep_sampling() -> None:
        while True:
            sample()
            await asyncio.sleep(INTERVAL)

    task = asyncio.get_running_loop().create_task(keep_sampling())
    await asyncio.sleep(0)
    try:
        yield machine
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        sample()
