"""`km3hub workshop`: from an empty hub to a workshop, and back.

One file per command. Where the hub is in containers, a command runs in the hub's container, unless
it is in `LOCAL`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import click

from km3hub.cli.accounts import default_state
from km3hub.cli.lazy import LazyGroup
from km3hub.cli.relay import container, relay
from km3settings.state import State

__all__ = ["COMMANDS", "HIDDEN", "LOCAL", "workshop"]

_ROOM = "km3hub.cli.workshop"
#: Command: its location and its line in the help, in the order in which an organiser needs them.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "create": (f"{_ROOM}.create:create", "Add the accounts of a workshop, or missing ones."),
    "handout": (f"{_ROOM}.handout:handout", "Write the cards to print, or new passwords."),
    "list": (f"{_ROOM}.list:list_", "List all workshops."),
    "show": (f"{_ROOM}.list:show", "Show the accounts of a workshop and who has used them."),
    "rehearse": (f"{_ROOM}.rehearse:command", "Try it out with simulated participants."),
    "start": (f"{_ROOM}.start:start", "Start the participants' servers ahead, in waves."),
    "extend": (f"{_ROOM}.extend:extend", "Change the last day of a workshop."),
    "close": (f"{_ROOM}.close:close", "Archive all homes, then remove homes and accounts."),
    "downloads": (f"{_ROOM}.downloads:downloads", "List, renew and revoke download links."),
}
#: Commands that other commands run, not people.
HIDDEN: Mapping[str, str] = {
    "show-access": f"{_ROOM}.entrance:show_access",
    **{
        f"{name}": f"{_ROOM}.closing_steps:{name.replace('-', '_')}"
        for name in (
            "begin-close",
            "archive-home",
            "require-archived",
            "remove-account",
            "finish-close",
        )
    },
}
#: Commands that read or write files here, and pass on to the hub's container what they need of it.
LOCAL: frozenset[str] = frozenset({"create", "handout", "close", "rehearse"})


class _Workshop(LazyGroup):
    """Passes a command on to the hub's container where that has the state."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        found = super().resolve_command(ctx, args)
        if ctx.resilient_parsing or {"-h", "--help"} & set(args) or found[0] in LOCAL:
            return found
        name = container(State(ctx.params["state"]), os.environ)
        if name:
            ctx.exit(relay(name, ["workshop", *args]))
        return found


@click.group(cls=_Workshop, table=COMMANDS, hidden=HIDDEN)
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="KM3_STATE",
    default=default_state,
    help="The state folder of the platform (default: .platform of the checkout).",
)
@click.pass_context
def workshop(ctx: click.Context, state: Path) -> None:
    """Prepare, extend and close a workshop (docs/workshops.md)."""
    ctx.obj = State(state)
