"""`km3hub workshop start`: servers that are running when the participants log in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import click

from km3hub.cli.workshop.arguments import name_argument, reported
from km3hub.cli.workshop.entrance import access_here
from km3hub.membership.names import WorkshopError
from km3hub.membership.record import Workshop
from km3hub.spawning.turns import WAITING_LIMIT
from km3hub.workshops.creating import Workshops
from km3hub.workshops.hub import AdminHub
from km3hub.workshops.waves import Waves, start_in_waves
from km3settings.state import State
from km3visit.site import Site

__all__ = ["start"]

#: Seconds: the wait in the queue, and the longest start that platform.yaml allows.
_LIMIT = WAITING_LIMIT + 1800

_EPILOG = """\b
Examples:
  km3hub workshop start school
  km3hub workshop start school --wave 20 --teachers
"""


@click.command(epilog=_EPILOG)
@name_argument
@click.option(
    "--wave", type=click.IntRange(1, 200), default=10, show_default=True,
    help="How many servers start at the same time.",
)  # fmt: skip
@click.option("--teachers", is_flag=True, help="The servers of the teachers, too.")
@click.pass_obj
def start(state: State, name: str, wave: int, teachers: bool) -> None:
    """Start the servers of the participants of the workshop NAME before they log in.

    A wave begins when the one before is up. A start that fails is tried once more. Participants who
    log in meanwhile are in the same queue. Where idle servers are stopped (culling.idle_minutes),
    start them not much earlier than that.
    """
    with reported():
        workshops = Workshops(state)
        workshop = workshops.store.require(name)
        if workshop.over():
            raise WorkshopError(
                f"the workshop {name} has ended; change its last day with: km3hub workshop extend"
            )
        known = workshops.store.members(name)
        accounts = [m.account for m in known if teachers or m.role == "participant"]
        entry = access_here(state)
        hub = AdminHub(Site(entry.address, site_proxy=entry.site_proxy), entry.token)
        found = asyncio.run(_start(hub, workshop, accounts, wave=wave, teachers=teachers))
    if found.failed:
        raise click.ClickException(
            f"{len(found.failed)} of {len(found.failed) + len(found.started)} servers did not"
            " start; run the command again to try only these"
        )
    click.echo(f"All {len(found.started)} servers are running.")


async def _start(
    hub: AdminHub, workshop: Workshop, accounts: Iterable[str], *, wave: int, teachers: bool
) -> Waves:
    users = await hub.users()
    groups = {workshop.participants, *([workshop.teachers] if teachers else [])}
    # Users of a provider are members by their groups.
    guests = [name for name, user in users.items() if groups & set(user.get("groups", ()))]
    everybody = list(dict.fromkeys([*accounts, *sorted(guests)]))
    if not everybody:
        raise WorkshopError(
            f"the workshop {workshop.name} has no participants yet; guests of a login provider"
            " become known when they log in for the first time"
        )
    return await start_in_waves(
        hub,
        everybody,
        choice={"environment": workshop.environment, "size": workshop.size},
        wave=wave,
        limit=_LIMIT,
        report=click.echo,
    )
