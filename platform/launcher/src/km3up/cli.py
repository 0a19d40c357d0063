"""`km3up up | down | status | install | clean`: the platform of this checkout."""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from km3settings.runtime import FILE_VARIABLE
from km3settings.settings import SettingsError
from km3settings.state import State
from km3up.backend import Started
from km3up.checkout import DEFAULT_PORT, Checkout, checkout_root
from km3up.failure import Failure
from km3up.started_from import completed

__all__ = ["main"]

NOT_RUNNING = "The platform is not running."


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="km3up", prog_name="km3up")
def main() -> None:
    """Start and stop the KM3NeT open science platform of this checkout.

    Exit codes: 0 done, 1 failed, 2 the input or the settings are wrong.
    """
    for stream in (sys.stdout, sys.stderr):
        # A name may contain letters that the terminal's encoding lacks.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def of_checkout(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that select a platform."""
    for option in (
        click.option(
            "--state",
            type=click.Path(path_type=Path),
            envvar="KM3_STATE",
            help="The state folder (default: .platform of the checkout).",
        ),
        click.option(
            "--config",
            type=click.Path(path_type=Path, dir_okay=False),
            envvar=FILE_VARIABLE,
            help="The settings (default: config/platform.yaml of the checkout).",
        ),
        click.option(
            "--project",
            envvar="KM3_PROJECT",
            default="km3net",
            show_default=True,
            help="Prefix of the names of containers, volumes and networks.",
        ),
    ):
        command = option(command)
    return command


@contextmanager
def reported() -> Iterator[None]:
    """Report a failure as a sentence, not as a traceback."""
    try:
        yield
    except (Failure, SettingsError) as error:
        click.echo(click.style("Stopped: ", fg="red", bold=True) + str(error), err=True)
        sys.exit(2 if isinstance(error, SettingsError) else 1)


def open_checkout(state: Path | None, config: Path | None, project: str) -> Checkout:
    """Returns the platform that the options select."""
    root = checkout_root()
    folder = (state or root / ".platform").resolve()
    os.environ.update(completed(os.environ, folder))
    return Checkout(
        root=root,
        state=State(folder),
        project=project,
        settings_file=config,
        say=lambda text: click.echo(f"  {text} ..."),
    )


@main.command()
@click.option("--mode", type=click.Choice(["auto", "embedded", "docker"]), default="auto")
@click.option(
    "--port",
    type=click.IntRange(1024, 65000),
    help=f"The login page's port (default: the running platform's, else {DEFAULT_PORT}).",
)
@of_checkout
def up(mode: str, port: int | None, state: Path | None, config: Path | None, project: str) -> None:
    """Start the platform, or apply changes to a running one, and print how to log in."""
    began = time.monotonic()
    with reported():
        checkout = open_checkout(state, config, project)
        settings = checkout.settings()
        chosen, reason = checkout.choose_mode(mode)
        kind = "local processes" if chosen == "embedded" else "containers"
        click.echo(f"{settings.site.name}: {kind} ({reason})")
        started = checkout.start(chosen, port)
        oidc = settings.login.oidc if settings.login.method == "oidc" else None
        provider = oidc.title if oidc else ""
        public = settings.site.public_url or ""
        seconds = time.monotonic() - began
        _report(started, checkout.state, seconds, provider=provider, public=public)
        if started.pending:
            click.echo(f"\n  You can log in now; {', '.join(started.pending)} will follow.")
        checkout.finish()


def _report(started: Started, state: State, seconds: float, *, provider: str, public: str) -> None:
    how = "already running" if started.ran_before else f"ready in {seconds:.1f} s"
    if started.applied:
        how = f"restarted in {seconds:.1f} s"
    click.echo(f"\n  Open     {click.style(started.address, bold=True, fg='green')}   ({how})")
    if public and public != started.address:
        click.echo(f"  People   {public}   (your web server must pass on the path unchanged)")
    if started.applied:
        click.echo(f"  Applied  {', '.join(started.applied)}")
    for note in started.notes:
        click.echo(f"  Note     {note}")
    if started.new_accounts:
        click.echo("  Log in   with one of these accounts (name and password, shown this once):")
        for line in state.first_login.read_text().splitlines():
            if not line.startswith("#"):
                click.echo(f"             {click.style(line, bold=True)}")
    if provider:
        click.echo(f"  Log in   with {provider}; to see who may log in: .venv/bin/km3hub check")
    else:
        click.echo(f"           first passwords: {state.first_login}")
        click.echo("           more accounts:   .venv/bin/km3hub accounts add NAME")
    if started.portal:
        how = "ready" if started.portal.answers else "starting; the first start takes a minute"
        address = click.style(started.portal.address, bold=True)
        click.echo(f"  Portal   {address}   (open data; {how})")
    click.echo(f"  Data     {started.data}")
    if started.homes:
        click.echo(f"  Homes    {started.homes}")
    click.echo("  Stop     make down   (keeps all data)")


@main.command()
@of_checkout
def down(state: Path | None, config: Path | None, project: str) -> None:
    """Stop hub, proxy, portal and users' servers; all data are kept."""
    with reported():
        stopped = open_checkout(state, config, project).stop()
        click.echo("Stopped; all data are kept." if stopped else NOT_RUNNING)


@main.command()
@of_checkout
def status(state: Path | None, config: Path | None, project: str) -> None:
    """Show whether the platform is running; exit code 0 if it is."""
    with reported():
        checkout = open_checkout(state, config, project)
        runs = checkout.runs()
        click.echo(f"The platform is running ({checkout.mode})." if runs else NOT_RUNNING)
        for name, (address, answers) in checkout.services().items() if runs else ():
            trouble = "" if answers else click.style("   does not answer", fg="red")
            click.echo(f"  {name:<10} {address}{trouble}")
        sys.exit(0 if runs else 1)


@main.command()
@of_checkout
def install(state: Path | None, config: Path | None, project: str) -> None:
    """Install what embedded mode needs, without starting anything."""
    with reported():
        open_checkout(state, config, project).install()


@main.command("compile", hidden=True)
@of_checkout
def compile_(state: Path | None, config: Path | None, project: str) -> None:
    """Compile installed environments, with low priority; `up` starts this in the background."""
    os.nice(10)
    with reported():
        open_checkout(state, config, project).compile()


@main.command()
@of_checkout
@click.option("--yes", is_flag=True, help="Do not ask.")
def clean(state: Path | None, config: Path | None, project: str, yes: bool) -> None:
    """Delete everything that the platform created: accounts, homes, environments. Asks first."""
    with reported():
        checkout = open_checkout(state, config, project)
        if checkout.runs():
            raise Failure("The platform is running; stop it first: make down")
        click.echo("This deletes permanently:")
        for line in checkout.belongings():
            click.echo(f"  {line}")
        click.echo("config/platform.yaml, the images and .venv are kept.")
        if not yes and click.prompt("Type delete to continue", default="") != "delete":
            click.echo("Nothing was deleted.")
            return
        checkout.clean()
        click.echo("Deleted.")
