"""`km3hub check`: like `km3settings check`, and compares groups with those of the accounts."""

from __future__ import annotations

from pathlib import Path

import click

from km3hub.cli.accounts import default_state, given_groups
from km3settings.state import State
from km3settings.summary import report

__all__ = ["check"]


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="KM3_STATE",
    default=default_state,
    help="The state folder, whose accounts have groups (default: .platform of the checkout).",
)
def check(file: Path | None, state: Path) -> None:
    """Check platform.yaml and print what it means.

    FILE defaults to the one that KM3_PLATFORM_FILE names, or else config/platform.yaml. Exit
    codes: 0 everything works, 1 it is valid but something in it cannot work, 2 it is invalid.
    """
    report(file, lambda: given_groups(State(state)))
