"""One simulated participant."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import httpx

from km3hub.rehearsal.company import Company
from km3hub.rehearsal.plan import Outcome, Plan
from km3hub.robots.tutorials import FOLDER, Surroundings, tutorials_for
from km3visit.errors import VisitError
from km3visit.kernel import Kernel, open_kernel
from km3visit.login import log_in
from km3visit.notebook import open_folder
from km3visit.server import start_server
from km3visit.site import Person, Site

__all__ = ["take_part"]

#: Seconds that a cell may take.
_CELL = 300
#: Seconds for which a participant's token is valid.
_TOKEN = 3 * 3600
#: Seconds between two cells of somebody who reads.
_READING = 20.0
_FIRST = "print(6 * 7)"


async def take_part(
    site: Site,
    name: str,
    password: str,
    number: int,
    plan: Plan,
    *,
    after: float,
    company: Company,
) -> Outcome:
    """Log in, start a server, run cells, and stay or leave.

    Parameters
    ----------
    site
        The hub.
    name, password
        The temporary account.
    number
        Which participant, from 0; decides the tutorial, and who leaves without a word.
    plan
        The rehearsal.
    after
        Seconds to wait before the login.
    company
        The participants together: all of them stay until the last one is there.
    """
    outcome = Outcome(name, abandoned=_leaves(number, plan))
    await asyncio.sleep(after)
    try:
        with _phase(outcome, "login"):
            person = await log_in(site, name, password, note="rehearsal", lifetime=_TOKEN)

        def watch(event: Mapping[str, Any]) -> None:
            outcome.place = max(outcome.place, int(event.get("place", 0)))

        with _phase(outcome, "server"):
            await start_server(person, plan.choice, limit=plan.start_limit, tell=watch)
        await _work(person, number, plan, outcome, company)
    except VisitError as error:
        outcome.reason = str(error)
    except (httpx.HTTPError, OSError) as error:
        outcome.reason = f"the connection failed: {str(error) or type(error).__name__}"
    finally:
        # Nobody has to wait for somebody who failed.
        company.settle(name)
    return outcome


@contextmanager
def _phase(outcome: Outcome, name: str) -> Iterator[None]:
    began = time.monotonic()
    outcome.failed = name
    yield
    outcome.failed = ""
    outcome.seconds[name] = time.monotonic() - began


def _leaves(number: int, plan: Plan) -> bool:
    """Returns whether a participant leaves without a word: evenly spread over all of them."""
    return int((number + 1) * plan.abandon) > int(number * plan.abandon)


async def _work(
    person: Person, number: int, plan: Plan, outcome: Outcome, company: Company
) -> None:
    began = time.monotonic()
    outcome.failed = "kernel"
    async with open_kernel(person) as kernel:
        outcome.seconds["kernel"] = time.monotonic() - began
        with _phase(outcome, "first cell"):
            await kernel.run(_FIRST, limit=_CELL)
        with _phase(outcome, "cells"):
            for cell in await _first_cells(kernel, number, plan.cells):
                await kernel.run(cell, limit=_CELL)
        outcome.failed = "stay"
        with company.present(outcome.name):
            if outcome.abandoned:
                # The kernel stays, as that of a laptop that is shut.
                kernel.drop()
                await company.complete.wait()
                await asyncio.sleep(plan.hold)
            else:
                await _stay(kernel, company, plan.hold)
    outcome.failed = ""


async def _stay(kernel: Kernel, company: Company, seconds: float) -> None:
    """Keep the connection open, with a small cell now and then."""
    while not company.complete.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(company.complete.wait(), _READING)
        await kernel.run(_FIRST, limit=_CELL)
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        await asyncio.sleep(min(left, _READING))
        await kernel.run(_FIRST, limit=_CELL)


async def _first_cells(kernel: Kernel, number: int, most: int) -> tuple[str, ...]:
    """Returns the first cells of a tutorial that can run here."""
    here = await Surroundings.of(kernel)
    try:
        tutorials = [one for one in await tutorials_for(kernel) if here.can_run(one)]
    except VisitError:
        tutorials = []  # an environment of the site's own, without tutorials
    if not tutorials:
        return ()
    await open_folder(kernel, FOLDER)
    return tutorials[number % len(tutorials)].cells[:most]
