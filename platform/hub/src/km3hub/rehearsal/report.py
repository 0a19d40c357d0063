"""The result of a rehearsal as a table for people and as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from km3hub.rehearsal.crowd import Rehearsal
from km3hub.rehearsal.plan import PHASES
from km3hub.rehearsal.verdict import Capacity, Verdict, percentile

__all__ = ["as_json", "as_table", "phase_seconds"]

_PERCENTS = (50, 95, 99)


def phase_seconds(rehearsal: Rehearsal) -> dict[str, list[float]]:
    """Returns the durations of each phase, sorted, and of the whole way to the first cell."""
    found = {
        phase: sorted(o.seconds[phase] for o in rehearsal.outcomes if phase in o.seconds)
        for phase in PHASES
    }
    found["ready to work"] = sorted(o.ready for o in rehearsal.outcomes if o.ready is not None)
    return found


def as_table(rehearsal: Rehearsal, carries: Capacity | None, verdict: Verdict) -> str:
    """Returns the result for people."""
    lines = [f"{'PHASE':<14} {'PASSED':>7} {'p50':>8} {'p95':>8} {'p99':>8}"]
    for phase, seconds in phase_seconds(rehearsal).items():
        cells = [f"{percentile(seconds, p):.1f} s" if seconds else "-" for p in _PERCENTS]
        lines.append(f"{phase:<14} {len(seconds):>7} " + " ".join(f"{cell:>8}" for cell in cells))
    machine = rehearsal.machine
    if machine:
        total = machine.memory / 2**30
        lines += [
            "",
            f"Memory left at the worst moment: {machine.least_available / 2**30:.1f} of"
            f" {total:.1f} GiB.",
            f"Cores in use at the worst moment: {machine.most_cpu:.1f} of {machine.cores}.",
        ]
    else:
        lines += ["", "Memory and cores: not measured, because the hub is on another machine."]
    if carries:
        lines.append(
            f"This machine carries about {carries.users} users at the same time, limited by"
            f" {carries.limited_by} ({carries.bytes_per_user / 2**20:.0f} MiB each)."
        )
    lines += ["", "GO" if verdict.go else "NO GO", *(f"- {reason}" for reason in verdict.reasons)]
    return "\n".join(lines)


def as_json(
    rehearsal: Rehearsal, carries: Capacity | None, verdict: Verdict, *, when: datetime, hub: str
) -> dict[str, Any]:
    """Returns the result for programs; durations in seconds, sizes in bytes."""
    machine = rehearsal.machine
    return {
        "time": f"{when:%Y-%m-%dT%H:%M:%SZ}",
        "hub": hub,
        "users": rehearsal.plan.users,
        "go": verdict.go,
        "reasons": list(verdict.reasons),
        "phases": {
            phase: {
                "passed": len(seconds),
                **{f"p{p}": percentile(seconds, p) if seconds else None for p in _PERCENTS},
            }
            for phase, seconds in phase_seconds(rehearsal).items()
        },
        "participants": [
            {
                "seconds": outcome.seconds,
                "failed": outcome.failed or None,
                "reason": outcome.reason or None,
                "worst_place_in_queue": outcome.place or None,
                "abandoned": outcome.abandoned,
            }
            for outcome in rehearsal.outcomes
        ],
        "machine": machine
        and {
            "cores": machine.cores,
            "memory": machine.memory,
            "least_available": machine.least_available,
            "most_cores_in_use": machine.most_cpu,
            "samples": [
                {
                    "seconds": round(s.seconds, 1),
                    "cores": round(s.cpu, 2),
                    "available": s.available,
                    "users": s.holding,
                }
                for s in machine.samples
            ],
        },
        "capacity": carries
        and {
            "users": carries.users,
            "limited_by": carries.limited_by,
            "bytes_per_user": carries.bytes_per_user,
            "users_with_full_limits": carries.with_full_limits,
        },
    }
