"""Whether the workshop can go ahead, and how many users the machine carries."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from km3hub.rehearsal.crowd import Rehearsal
from km3hub.rehearsal.machine import Machine

__all__ = ["Capacity", "Verdict", "capacity", "percentile", "verdict"]

#: The part of the memory and of the cores that must stay free.
RESERVE = 0.1
#: Seconds: a login that takes longer looks like a failure to whoever waits.
LOGIN = 10.0


def percentile(values: Sequence[float], percent: float) -> float:
    """Returns the smallest value that `percent` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


@dataclass(frozen=True)
class Capacity:
    """How many users the machine carries at the same time."""

    users: int
    limited_by: str
    bytes_per_user: float
    """Measured."""
    with_full_limits: int | None
    """How many, if each of them used all the memory of the size; None: unknown."""


@dataclass(frozen=True)
class Verdict:
    """Go or no go."""

    go: bool
    reasons: tuple[str, ...]
    """Why not, or what to watch."""


def capacity(machine: Machine, limit: int | None) -> Capacity | None:
    """Returns how many users a machine carries; None where the rehearsal does not tell.

    Parameters
    ----------
    machine
        The machine with its samples.
    limit
        Bytes that one server may use; None: unknown.
    """
    each = machine.memory_per_user()
    if not each:
        return None
    usable = machine.samples[0].available - RESERVE * machine.memory
    full = max(0, int(usable // limit)) if limit else None
    # Cores are no limit: with more users everything becomes slower, and nothing fails.
    return Capacity(max(0, _whole(usable / each)), "memory (measured)", each, full)


def _whole(ratio: float) -> int:
    # A ratio of whole bytes that should be 31 may be 30.999999.
    return math.floor(ratio + 1e-6)


def verdict(rehearsal: Rehearsal, carries: Capacity | None, *, ready_within: float) -> Verdict:
    """Returns whether the workshop can go ahead.

    Parameters
    ----------
    rehearsal
        What was measured.
    carries
        How many users the machine carries, where it is known.
    ready_within
        Seconds within which 95 % of the participants must have run their first cell.
    """
    against = [*_failures(rehearsal), *_delays(rehearsal, ready_within)]
    machine, users = rehearsal.machine, rehearsal.plan.users
    if machine and machine.least_available < RESERVE * machine.memory:
        against.append(
            f"only {machine.least_available / 2**30:.1f} GiB of memory were left: fewer"
            " participants, a smaller size, or a larger machine"
        )
    if carries and carries.users < users:
        against.append(f"the machine carries {carries.users} users, not {users}")
    notes = []
    if carries and carries.with_full_limits is not None and carries.with_full_limits < users:
        notes.append(
            f"if everybody used all the memory of the size, it would be enough for"
            f" {carries.with_full_limits} of {users}: tell participants to close notebooks that"
            " they do not need"
        )
    if machine and machine.most_cpu > (1 - RESERVE) * machine.cores:
        notes.append("all cores were busy for a while; cells run more slowly then")
    return Verdict(not against, (*against, *notes))


def _failures(rehearsal: Rehearsal) -> list[str]:
    failed = [outcome for outcome in rehearsal.outcomes if outcome.failed]
    counted = Counter((outcome.failed, outcome.reason) for outcome in failed)
    return [
        f"{number} of {rehearsal.plan.users} failed ({phase}): {reason}"
        for (phase, reason), number in counted.most_common(5)
    ]


def _delays(rehearsal: Rehearsal, ready_within: float) -> list[str]:
    found = []
    logins = [o.seconds["login"] for o in rehearsal.outcomes if "login" in o.seconds]
    login = percentile(logins, 95) if logins else 0.0
    if login > LOGIN:
        found.append(f"logins take up to {login:.0f} s (95 %), more than {LOGIN:.0f} s")
    ready = [o.ready for o in rehearsal.outcomes if o.ready is not None]
    if ready and percentile(ready, 95) > ready_within:
        found.append(
            f"the first cell runs {percentile(ready, 95):.0f} s after the login (95 %), more than"
            f" {ready_within:g} s: start the servers ahead with km3hub workshop start"
        )
    return found
