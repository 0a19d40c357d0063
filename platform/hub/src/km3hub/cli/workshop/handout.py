"""`km3hub workshop handout`: the cards of a workshop, to print."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import click

from km3hub.cli.installation import address_for_people, runtime_of, settings_of
from km3hub.cli.relay import container, fetch, relay
from km3hub.cli.workshop.arguments import day, name_argument, reported
from km3hub.workshops.creating import Workshops
from km3hub.workshops.handout import Handout, page, slips, table
from km3settings.state import State

__all__ = ["handout"]

_HELP = """Write the cards of the workshop NAME into a folder: PDF, HTML, and CSV for the organiser.

Each card has the address, an account, its password and a QR code that logs in once. Whoever has one
of these files can log in as everybody in it; delete them when the cards are handed out.

\b
Examples:
  km3hub workshop handout school
  km3hub workshop handout school --format pdf > cards.pdf
  km3hub workshop handout school --new-password school-07
  km3hub workshop handout school --forget
"""


def _pdf(cards: Handout) -> bytes:
    # Imported here: it takes a while.
    from km3hub.workshops.fonts import find_fonts
    from km3hub.workshops.printed import printed

    return printed(cards, find_fonts())


#: Format: the file's name, and what writes it.
_FORMATS: dict[str, tuple[str, Callable[[Handout], bytes]]] = {
    "pdf": ("cards.pdf", _pdf),
    "html": ("cards.html", lambda cards: page(cards).encode()),
    "csv": ("accounts.csv", lambda cards: table(cards.slips).encode()),
}


@click.command(help=_HELP)
@name_argument
@click.option(
    "--output",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder to write (default: NAME-handout here).",
)
@click.option(
    "--format",
    "only",
    type=click.Choice([*_FORMATS]),
    help="Write only this one, to standard output.",
)
@click.option(
    "--new-password",
    "renewed",
    metavar="ACCOUNT",
    multiple=True,
    help="First give ACCOUNT a new password and link, which ends its sessions; may be repeated.",
)
@click.option(
    "--forget",
    is_flag=True,
    help="Delete the passwords and links from the platform; no handout can be made then.",
)
@click.pass_obj
def handout(
    state: State,
    *,
    name: str,
    output: Path | None,
    only: str | None,
    renewed: tuple[str, ...],
    forget: bool,
) -> None:
    """Write the cards of a workshop."""
    if forget and (output or only or renewed):
        raise click.UsageError("--forget goes with no other option")
    if output and only:
        raise click.UsageError("--format writes to standard output; leave out --output")
    if only and sys.stdout.isatty() and only == "pdf":
        raise click.UsageError("a PDF cannot be shown here; add: > cards.pdf")
    hub = container(state, os.environ)
    if forget:
        if hub:
            click.get_current_context().exit(relay(hub, ["workshop", "handout", name, "--forget"]))
        _forget(state, name)
        return
    wanted = [only] if only else [*_FORMATS]
    if hub:
        # The new passwords once, with the first file.
        again = [f"--new-password={account}" for account in renewed]
        files = {}
        for kind in wanted:
            files[kind] = fetch(hub, ["workshop", "handout", name, f"--format={kind}", *again])
            again = []
    else:
        cards = _cards(state, name, renewed)
        files = {kind: _FORMATS[kind][1](cards) for kind in wanted}
    if only:
        sys.stdout.buffer.write(files[only])
        sys.stdout.buffer.flush()
        return
    _write(output or Path(f"{name}-handout"), files)
    click.echo(
        f"Print and cut the cards, then delete these files, and the passwords on the platform:"
        f" km3hub workshop handout {name} --forget"
    )


def _forget(state: State, name: str) -> None:
    with reported():
        workshops = Workshops(state)
        workshops.store.require(name)
        had = workshops.cards(name).forget()
    click.echo(
        f"Deleted the passwords and links of {name}; the accounts keep theirs."
        if had
        else f"No handout of {name} is kept."
    )


def _cards(state: State, name: str, renewed: tuple[str, ...]) -> Handout:
    with reported():
        runtime = runtime_of(state)
        settings = settings_of(runtime)
        workshops = Workshops(state)
        known = workshops.store.require(name)
        if renewed:
            workshops.renew(name, [account.lower() for account in renewed])
        address = address_for_people(settings, runtime)
        found = slips(
            workshops.store.members(name),
            workshops.cards(name).read(),
            workshops.accounts.all(),
            address,
        )
    if not found:
        raise click.ClickException(
            f"no passwords of {name} are kept; for a new one: km3hub workshop handout {name}"
            " --new-password ACCOUNT"
        )
    return Handout(
        title=settings.workshop.title or name,
        address=address,
        until=day(known.until),
        contact=settings.site.contact,
        slips=found,
    )


def _write(folder: Path, files: dict[str, bytes]) -> None:
    """Write the files, readable by their owner only."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for kind, data in files.items():
            path = folder / _FORMATS[kind][0]
            draft = path.with_name(f".{path.name}.part")
            draft.unlink(missing_ok=True)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            draft.replace(path)
            click.echo(f"Wrote {path}.")
    except OSError as error:
        raise click.ClickException(f"{folder}: cannot be written: {error.strerror}") from None
