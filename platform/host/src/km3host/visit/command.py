"""`km3host visit`: a user's visit, step by step."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import click
import httpx

from km3host.configuration import parse_text
from km3host.errors import HostError
from km3host.visit.provider import see_provider
from km3visit.errors import VisitError
from km3visit.kernel import open_kernel
from km3visit.login import log_in
from km3visit.server import start_server, stop_server
from km3visit.site import Person, Site

__all__ = ["Plan", "main", "visit"]

CELL = "import numpy; print(int(numpy.arange(7).sum()) * 2)"
OUTPUT = "42"
#: Seconds: for a server to start, and for the cell.
START, RUN = 300, 120
#: How long the visit's own token is valid, in seconds.
TOKEN_LIFETIME = 900


@dataclass(frozen=True)
class Plan:
    """Whom the visit logs in as, and what it starts."""

    #: The hub's base address.
    address: str
    #: The account.
    name: str
    environments: list[str]
    #: Whether a proxy of the site has the certificates; the visit then speaks as that proxy does.
    site_proxy: bool
    #: The account's password, or
    password: str = ""
    #: the hub's own token for it, if people log in with a provider: the visit then goes as far as
    #: the provider's page, and on with this token.
    token: str = ""


@contextmanager
def _step(message: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    click.echo(f"  {message} ({time.monotonic() - began:.1f} s)")


async def visit(plan: Plan) -> None:
    """Log in, then start a server of each environment and run a cell in it.

    Raises
    ------
    VisitError
        If a step fails.
    """
    person = await _enter(plan)
    try:
        await stop_server(person)
        for environment in plan.environments:
            with _step(f"a server of {environment} is ready"):
                await start_server(person, {"environment": environment}, limit=START)
            with _step("a cell ran over the websocket"):
                await _run_cell(person)
            await stop_server(person)
    finally:
        async with person.client() as client:
            await client.delete(f"{person.api}/server")


async def _enter(plan: Plan) -> Person:
    site = Site(plan.address, site_proxy=plan.site_proxy)
    if plan.token:
        with _step("the provider's login page opens"):
            return await see_provider(site, plan.name, plan.token)
    with _step("logged in"):
        return await log_in(site, plan.name, plan.password, note="verify", lifetime=TOKEN_LIFETIME)


async def _run_cell(person: Person) -> None:
    async with open_kernel(person) as kernel:
        output = (await kernel.run(CELL, limit=RUN)).strip()
    if output != OUTPUT:
        raise VisitError(f"the cell printed {output!r} instead of {OUTPUT!r}")


def main() -> None:
    """Read the plan from standard input and make the visit."""
    plan = parse_text(sys.stdin.read(), Plan, source="the plan on standard input")
    try:
        asyncio.run(visit(plan))
    except VisitError as error:
        raise HostError(str(error)) from None
    except (httpx.HTTPError, OSError, TimeoutError) as error:
        raise HostError(f"the hub cannot be reached: {error}") from None
