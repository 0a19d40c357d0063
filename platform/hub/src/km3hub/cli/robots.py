"""`km3hub robots`: tutorials and data services, tried on the live platform as a user does."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC
from pathlib import Path

import click
import httpx
from filelock import FileLock, Timeout

from km3hub.cli.accounts import default_state
from km3hub.cli.installation import runtime_of, settings_of
from km3hub.cli.relay import container, relay
from km3hub.cli.workshop.entrance import access_here
from km3hub.login.account import AccountsError
from km3hub.robots.account import NoRobotAccount, enter
from km3hub.robots.results import Result, Results, now, read_results, summary, write_results
from km3hub.robots.round import make_round, portal_tokens
from km3settings.settings import SettingsError
from km3settings.state import State
from km3visit.errors import VisitError
from km3visit.site import Site

__all__ = ["robots"]

_WORDS = {True: "works", False: "FAILED", None: "-"}


@click.group(epilog="Example: km3hub robots run")
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="KM3_STATE",
    default=default_state,
    help="The state folder of the platform (default: .platform of the checkout).",
)
@click.pass_context
def robots(ctx: click.Context, state: Path) -> None:
    """Try every tutorial and the data services on the running hub, as a user does."""
    ctx.obj = State(state)


def _relayed(state: State, command: str, *options: str) -> None:
    name = container(state, os.environ)
    if name:
        raise click.exceptions.Exit(relay(name, ["robots", command, *options]))


@robots.command(epilog="Example: km3hub robots run")
@click.pass_obj
def run(state: State) -> None:
    """Log in as km3-robot, run every tutorial, query, download, send a test alert that is refused.

    The results appear on the hub's status page and in its metrics. Exits with 1 if a trial failed.
    """
    _relayed(state, "run")
    try:
        with FileLock(state.run / "robots.lock", timeout=0, mode=0o600):
            found = asyncio.run(_run(state))
            write_results(state.robots, found)
    except Timeout:
        raise click.ClickException("the robots are running already; wait until they end") from None
    except (SettingsError, AccountsError, OSError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(summary(found))
    raise click.exceptions.Exit(0 if found.works else 1)


async def _run(state: State) -> Results:
    entry = access_here(state)
    settings = settings_of(runtime_of(state))
    site = Site(entry.address, site_proxy=entry.site_proxy)
    try:
        person = await enter(site, settings, state)
    except NoRobotAccount as error:
        raise click.ClickException(str(error)) from None
    except (VisitError, httpx.HTTPError) as error:
        reason = str(error) or type(error).__name__
        result = Result(name="login", title="The login", works=False, message=reason)
        _report(result)
        return Results(time=now(), results=(result,))
    environments = [one.name for one in settings.environments if not one.groups]
    return await make_round(person, environments, portal_tokens(state.robots_portal), _report)


@robots.command(epilog="Example: km3hub robots status --json")
@click.option("--json", "for_programs", is_flag=True, help="For programs: an object.")
@click.pass_obj
def status(state: State, for_programs: bool) -> None:
    """Show what the robots found in their last round; exits with 1 if a trial failed."""
    _relayed(state, "status", *(["--json"] if for_programs else []))
    found = read_results(state.robots)
    if found is None:
        raise click.ClickException("the robots have not run yet; start them: km3hub robots run")
    if for_programs:
        click.echo(found.model_dump_json(indent=1))
    else:
        click.echo(f"Last round: {found.time.astimezone(UTC):%Y-%m-%d %H:%M} UTC")
        for result in found.results:
            _report(result)
        click.echo(summary(found))
    raise click.exceptions.Exit(0 if found.works else 1)


def _report(result: Result) -> None:
    took = f" ({result.seconds:.0f} s)" if result.seconds else ""
    click.echo(f"{_WORDS[result.works]:<7} {result.title}: {result.message}{took}")
