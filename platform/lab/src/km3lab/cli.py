"""The command `km3hub` of a user's server: lists and resets tutorials.

The server puts it on the PATH of its terminals by that name (`start.py`); the program `km3hub` of
the hub is not installed here.
"""

from __future__ import annotations

import sys
from typing import NoReturn

import click

import km3lab
from km3lab.surroundings import Surroundings
from km3lab.tutorials import FOLDER, Outcome, TutorialError, states
from km3lab.tutorials import reset as bring_back

__all__ = ["main", "run"]

_WORDS = {
    "current": "as shipped",
    "new": "not copied yet; will be copied at the next start",
    "updated": "as shipped",
    "yours": "changed by you",
    "kept": "changed by you",
    "deleted": "deleted by you",
    "retired": "no longer part of the tutorials",
    "failed": "could not be written",
}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(km3lab.__version__, prog_name="km3hub")
def main() -> None:
    """The KM3NeT open science platform, in your server."""


def run() -> None:
    """Run the command line under the name that users know."""
    main(prog_name="km3hub")


@main.group()
def tutorials() -> None:
    """The tutorials in your home.

    Your copies are never overwritten: the new version of a file that you changed gets another name.
    """


@tutorials.command("list")
def list_() -> None:
    """Show the state of each file."""
    around = Surroundings.read()
    try:
        outcomes = states(around.tutorials, around.home)
    except TutorialError as error:
        _fail(error)
    width = max(len(outcome.name) for outcome in outcomes)
    for outcome in outcomes:
        click.echo(f"{outcome.name:<{width}}  {_sentence(outcome)}")


@tutorials.command()
@click.argument("file")
def reset(file: str) -> None:
    """Restore FILE as shipped; your version is kept under another name.

    FILE is its name or a path, for example 01-events.ipynb.
    """
    around = Surroundings.read()
    try:
        name, aside = bring_back(file, around.tutorials, around.home)
    except TutorialError as error:
        _fail(error)
    click.echo(f"{FOLDER}/{name} is as shipped.")
    if aside:
        click.echo(f"Your version is now {FOLDER}/{aside}.")
    click.echo("If it is open in JupyterLab, choose File > Reload Notebook from Disk.")


def _sentence(outcome: Outcome) -> str:
    if outcome.reason:
        return outcome.reason
    words = _WORDS[outcome.state]
    return f"{words}; the new version is {outcome.new_name}" if outcome.new_name else words


def _fail(error: TutorialError) -> NoReturn:
    click.echo(str(error), err=True)
    sys.exit(2)
