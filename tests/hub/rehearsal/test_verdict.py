"""Go or no go, and how many users a machine carries, from numbers that were worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from lxml import etree

from km3hub.rehearsal.crowd import Rehearsal
from km3hub.rehearsal.figure import as_svg
from km3hub.rehearsal.machine import Machine, Sample
from km3hub.rehearsal.participant import _leaves
from km3hub.rehearsal.plan import PHASES, Outcome, Plan
from km3hub.rehearsal.verdict import capacity, percentile, verdict

GIB = 2**30


def outcome(seconds: float = 1.0, failed: str = "", reason: str = "") -> Outcome:
    """A participant for whom each phase took as long; or who failed in one."""
    passed = PHASES[: PHASES.index(failed)] if failed in PHASES else PHASES
    return Outcome("rehearsal-abcdef-001", dict.fromkeys(passed, seconds), failed, reason)


def machine(*samples: tuple[float, float, int], cores: int = 4, memory: int = 16) -> Machine:
    """A machine with (cores in use, GiB available, participants) once a second."""
    rows = [Sample(i, cpu, round(gib * GIB), n) for i, (cpu, gib, n) in enumerate(samples)]
    return Machine(cores, memory * GIB, rows)


def rehearsal(outcomes: list[Outcome], found: Machine | None = None) -> Rehearsal:
    return Rehearsal(Plan(users=len(outcomes)), outcomes, found)


@pytest.mark.parametrize("percent", [50, 95, 99])
def test_percentiles_are_those_of_numpy(percent: float) -> None:
    values = list(np.random.default_rng(1).gamma(2.0, 10.0, size=61))
    expected = np.percentile(values, percent, method="inverted_cdf")
    assert percentile(values, percent) == pytest.approx(expected)


def test_capacity_follows_from_what_the_participants_used() -> None:
    """14 GiB were free, 10 users took 4 GiB; 14 - 1.6 = 12.4 GiB are usable: 31 users."""
    found = capacity(machine((0.5, 14, 0), (1.0, 11, 5), (0.7, 10, 10)), limit=2 * GIB)
    assert found is not None
    assert found.users == 31
    assert found.limited_by == "memory (measured)"
    assert found.bytes_per_user == pytest.approx(0.4 * GIB)
    assert found.with_full_limits == 6


def test_without_participants_nothing_is_known_of_the_capacity() -> None:
    assert capacity(machine((0.1, 14, 0), (0.1, 13, 0)), limit=None) is None


def test_everything_well_is_go() -> None:
    found = rehearsal([outcome()] * 20, machine((0.5, 14, 0), (1, 12, 20)))
    assert verdict(found, capacity(found.machine, None), ready_within=120).go  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (
            rehearsal([outcome()] * 19 + [outcome(failed="server", reason="no room")]),
            "1 of 20 failed (server): no room",
        ),
        (rehearsal([outcome(11)] * 20), "logins take up to 11 s"),
        (rehearsal([outcome(9)] * 20), "the first cell runs 36 s after the login"),
        (rehearsal([outcome()] * 20, machine((0.5, 14, 0), (1, 1.5, 20))), "only 1.5 GiB"),
        (rehearsal([outcome()] * 40, machine((0.5, 14, 0), (1, 10, 10))), "31 users, not 40"),
    ],
)
def test_what_is_not_well_is_no_go_with_the_reason(found: Rehearsal, reason: str) -> None:
    carries = capacity(found.machine, None) if found.machine else None
    decision = verdict(found, carries, ready_within=30)
    assert not decision.go
    assert reason in "\n".join(decision.reasons)


def test_one_slow_participant_of_twenty_is_no_reason() -> None:
    assert verdict(rehearsal([outcome()] * 19 + [outcome(500)]), None, ready_within=120).go


def test_memory_that_full_limits_would_need_is_a_note_only() -> None:
    found = rehearsal([outcome()] * 10, machine((0.5, 14, 0), (0.7, 10, 10)))
    decision = verdict(
        found, capacity(machine((0.5, 14, 0), (0.7, 10, 10)), 2 * GIB), ready_within=9
    )
    assert decision.go
    assert "enough for 6 of 10" in decision.reasons[0]


@pytest.mark.parametrize(("fraction", "expected"), [(0, 0), (0.2, 12), (0.34, 20), (1, 60)])
def test_the_fraction_that_leaves_is_spread_evenly(fraction: float, expected: int) -> None:
    plan = Plan(users=60, abandon=fraction)
    leaving = [number for number in range(60) if _leaves(number, plan)]
    assert len(leaving) == expected
    if len(leaving) > 1:
        assert max(np.diff(leaving)) <= round(1 / fraction) + 1


@pytest.mark.parametrize("found", [
    rehearsal([outcome()] * 3, machine((0.5, 14, 0), (1, 12, 3))),
    rehearsal([outcome(failed="login", reason="<b>&")] * 2),
])  # fmt: skip
def test_the_figure_is_well_formed_whatever_happened(found: Rehearsal) -> None:
    decision = verdict(found, None, ready_within=120)
    text = as_svg(found, decision, hub="https://hub.example.org/?<&>")
    assert etree.fromstring(text.encode()).tag.endswith("svg")
    assert ("NO GO" in text) == (not decision.go)
