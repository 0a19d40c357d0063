"""One round of the robots: a server per environment, every tutorial, every data service."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import httpx

from km3hub.robots.results import Result, Results, now, shortened
from km3hub.robots.trials import SERVICES, try_service, try_tutorial
from km3hub.robots.tutorials import Surroundings, Tutorial, tutorials_for
from km3visit.errors import VisitError
from km3visit.kernel import open_kernel
from km3visit.server import start_server, stop_server
from km3visit.site import Person

__all__ = ["PortalTokens", "make_round", "portal_tokens"]

#: Seconds that a start may take, the wait in the queue included.
_START = 1020
#: Names of the portal's tokens in the cell that sends a test alert.
PortalTokens = dict[str, str]


def portal_tokens(path: Path) -> PortalTokens:
    """Returns the portal's tokens for test alerts; empty where there are none.

    Parameters
    ----------
    path
        A JSON file, `{"sender": TOKEN, "signer": TOKEN}`: of an account that may submit alerts and
        of another one that may refuse them.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {"SENDER": str(found["sender"]), "SIGNER": str(found["signer"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


async def make_round(
    person: Person,
    environments: Iterable[str],
    tokens: PortalTokens,
    report: Callable[[Result], None],
) -> Results:
    """Try everything, and stop the robots' server at the end.

    Parameters
    ----------
    person
        The robots' account.
    environments
        The environments that the account may start, in the order of the menu.
    tokens
        The portal's tokens for test alerts; empty: none is sent.
    report
        Called with each result.
    """
    results: list[Result] = []

    def found(result: Result) -> None:
        results.append(result)
        report(result)

    done: set[str] = set()
    services_tried = False
    known: list[Tutorial] = []
    try:
        for environment in environments:
            if known and all(one.number in done or one.environment != environment for one in known):
                continue
            try:
                await stop_server(person)
                await start_server(person, {"environment": environment}, limit=_START)
                async with open_kernel(person) as kernel:
                    here = await Surroundings.of(kernel)
                    known = await tutorials_for(kernel)
            except (VisitError, httpx.HTTPError, OSError) as error:
                found(_not_started(environment, error))
                continue
            for tutorial in known:
                if tutorial.environment == environment and tutorial.number not in done:
                    done.add(tutorial.number)
                    portal = bool(here.portal)
                    found(await try_tutorial(person, tutorial, environment, portal=portal))
            if here.portal and not services_tried:
                services_tried = True
                await _try_services(person, tokens, found)
        for tutorial in known:
            if tutorial.number not in done:
                found(_not_offered(tutorial))
    finally:
        async with person.client() as client:
            await client.delete(f"{person.api}/server")
    return Results(time=now(), results=tuple(results))


async def _try_services(
    person: Person, tokens: PortalTokens, found: Callable[[Result], None]
) -> None:
    for service in SERVICES:
        if service.name == "alert" and not tokens:
            message = "not tried: no tokens of the portal in robots-portal.json"
            found(Result(name="alert", title=service.title, works=None, message=message))
            continue
        secrets = tokens if service.name == "alert" else {}
        found(await try_service(person, service, secrets))


def _not_started(environment: str, error: Exception) -> Result:
    return Result(
        name=f"environment-{environment}",
        title=f"The environment {environment}",
        works=False,
        message=shortened(str(error) or type(error).__name__),
    )


def _not_offered(tutorial: Tutorial) -> Result:
    return Result(
        name=f"tutorial-{tutorial.number}",
        title=f"{tutorial.number} {tutorial.title}",
        works=None,
        message=f"not tried: the environment {tutorial.environment} is not offered here",
    )
