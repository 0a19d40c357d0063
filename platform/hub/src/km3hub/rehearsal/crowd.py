"""All participants of a rehearsal, and what they leave behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from km3hub.rehearsal.accounts import make_accounts, remove_accounts
from km3hub.rehearsal.company import Company
from km3hub.rehearsal.machine import Machine, watched
from km3hub.rehearsal.participant import take_part
from km3hub.rehearsal.plan import Outcome, Plan
from km3hub.workshops.hub import AdminHub

__all__ = ["Rehearsal", "rehearse"]


@dataclass(frozen=True)
class Rehearsal:
    """What came out."""

    plan: Plan
    outcomes: list[Outcome]
    machine: Machine | None
    """None: the hub is on another machine."""


async def rehearse(
    hub: AdminHub,
    plan: Plan,
    *,
    group: str,
    here: bool,
    report: Callable[[str], None],
) -> Rehearsal:
    """Make temporary accounts, let everybody take part, and remove what was made.

    Parameters
    ----------
    hub
        The hub.
    plan
        What the participants do.
    group
        The group of their accounts; empty: none.
    here
        Whether the hub is on this machine, which is then measured.
    report
        Called with lines for the administrator.

    Raises
    ------
    HubError
        If the hub does not answer, or refuses the accounts.
    """
    left = await remove_accounts(hub)
    if left:
        report(f"removed {len(left)} accounts that an earlier rehearsal left")
    people = await make_accounts(hub, plan.users, group)
    report(f"{len(people)} participants arrive within {plan.within:g} s")
    try:
        async with AsyncExitStack() as stack:
            company = Company(len(people))
            machine = await stack.enter_async_context(watched(company)) if here else None
            done = 0

            async def one(number: int) -> Outcome:
                nonlocal done
                name, password = people[number]
                after = plan.within * number / len(people)
                outcome = await take_part(
                    hub.site, name, password, number, plan, after=after, company=company
                )
                done += 1
                if done % 10 == 0 or done == len(people) or outcome.failed:
                    problem = f"; {name}: {outcome.failed}: {outcome.reason}"
                    report(f"{done} of {len(people)} are done{problem if outcome.failed else ''}")
                return outcome

            outcomes = await asyncio.gather(*(one(number) for number in range(len(people))))
    finally:
        # Also after Control-C; what a crash leaves, the next rehearsal or --clean removes.
        await asyncio.shield(remove_accounts(hub))
    return Rehearsal(plan, list(outcomes), machine)
