"""What a function in the sandbox may use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Measure = Literal["time", "cpu"]


@dataclass(frozen=True)
class Limits:
    """Limits of one run.

    Parameters
    ----------
    seconds
        Time that may pass.
    cpu_seconds
        Processor time of all threads together; as much as `seconds` by default.
    memory
        Address space, in bytes.
    answer
        Size of the result as JSON, in bytes.
    """

    seconds: float
    memory: int
    cpu_seconds: float | None = None
    answer: int = 64 * 2**20

    @property
    def cpu(self) -> float:
        """Processor time in seconds."""
        return self.seconds if self.cpu_seconds is None else self.cpu_seconds

    def apply(self) -> None:
        """Set what the operating system enforces, for this process.

        The processor time that the process has used already is not counted. Windows has none of
        these limits; there, only the time is limited, by the parent process.
        """
        try:
            import resource
        except ImportError:
            return
        used = resource.getrusage(resource.RUSAGE_SELF)
        cpu = int(used.ru_utime + used.ru_stime + self.cpu) + 1
        # At the soft limit SIGXCPU ends the process; what survives that is killed a second later.
        resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
        resource.setrlimit(resource.RLIMIT_AS, (self.memory, self.memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
