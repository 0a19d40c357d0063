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
from km3host.visit.hub import (
    VisitError,
    browser,
    log_in,
    see_provider,
    start_kernel,
    start_server,
    stop_server,
)
from km3host.visit.kernel import run_cell

__all__ = ["Plan", "main", "visit"]


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

    @property
    def forwarded(self) -> dict[str, str]:
        """The headers of a proxy of the site."""
        headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "127.0.0.1"}
        return headers if self.site_proxy else {}


@contextmanager
def _step(message: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    click.echo(f"  {message} ({time.monotonic() - began:.1f} s)")


def visit(plan: Plan) -> None:
    """Log in, then start a server of each environment and run a cell in it.

    Raises
    ------
    VisitError
        If a step fails.
    """
    with browser(plan.address, plan.forwarded, behind_proxy=plan.site_proxy) as client:
        if plan.token:
            token = plan.token
            with _step("the provider's login page opens"):
                see_provider(client, plan.name, token)
        else:
            with _step("logged in"):
                token = log_in(client, plan.name, plan.password)
    headers = plan.forwarded | {"Authorization": f"token {token}"}
    with browser(plan.address, headers, behind_proxy=plan.site_proxy) as client:
        try:
            stop_server(client, plan.name)
            for environment in plan.environments:
                with _step(f"a server of {environment} is ready"):
                    start_server(client, plan.name, environment)
                with _step("a cell ran over the websocket"):
                    kernel = start_kernel(client, plan.name, environment)
                    asyncio.run(run_cell(plan.address, headers, plan.name, kernel))
                stop_server(client, plan.name)
        finally:
            client.delete(f"/hub/api/users/{plan.name}/server")


def main() -> None:
    """Read the plan from standard input and make the visit."""
    plan = parse_text(sys.stdin.read(), Plan, source="the plan on standard input")
    try:
        visit(plan)
    except (httpx.HTTPError, OSError, TimeoutError) as error:
        raise VisitError(f"the hub cannot be reached: {error}") from None
