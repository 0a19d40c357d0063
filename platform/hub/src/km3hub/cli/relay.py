"""Runs commands in the hub's container."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from km3settings.state import State

__all__ = ["ask", "container", "fetch", "relay"]


def container(state: State, environment: Mapping[str, str]) -> str | None:
    """Returns the hub's container if it has the state folder; None if that is here.

    Parameters
    ----------
    state
        The platform's state folder.
    environment
        Of this process.

    Raises
    ------
    click.ClickException
        If that container is not running.
    """
    if environment.get("KM3_MODE"):  # the environment of a hub, whose state is here
        return None
    mode = state.root / "mode"
    if not mode.is_file() or mode.read_text(encoding="utf-8").strip() != "docker":
        return None
    named = state.run / "hub-container"
    name = (
        named.read_text(encoding="utf-8").strip() if named.is_file() else _running_hub(environment)
    )
    if not name:
        raise click.ClickException(
            "the state of the platform is in the hub's container, which is not running; start it:"
            " make up"
        )
    return name


def _running_hub(environment: Mapping[str, str]) -> str | None:
    """Returns the running container of the Compose service `hub`, found by Compose's labels."""
    project = environment.get("KM3_PROJECT", "km3net")
    label = "label=com.docker.compose"
    filters = [f"{label}.project={project}", f"{label}.service=hub"]
    listed = _docker(
        ["ps", *(part for f in filters for part in ("--filter", f)), "--format", "{{.Names}}"],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    if listed.returncode:
        raise click.ClickException(f"Docker is not responding: {listed.stderr.strip()}")
    return next(iter(listed.stdout.split()), None)


def ask(name: str, arguments: Sequence[str]) -> str | None:
    """Returns the output of `km3hub ARGUMENTS` in a container; None if it fails."""
    command = ["exec", "-i", name, "km3hub", *arguments]
    done = _docker(command, capture_output=True, encoding="utf-8", errors="replace")
    return done.stdout if done.returncode == 0 else None


def relay(name: str, arguments: Sequence[str], data: bytes | None = None) -> int:
    """Run `km3hub ARGUMENTS` in a container, with this terminal's input and output.

    Parameters
    ----------
    name
        The container.
    arguments
        What follows `km3hub`.
    data
        Its standard input instead of this terminal's.

    Returns
    -------
    int
        Its exit code.
    """
    if data is not None:
        return _docker(["exec", "-i", name, "km3hub", *arguments], input=data).returncode
    terminal = ["-t"] if sys.stdin.isatty() and sys.stdout.isatty() else []
    return _docker(["exec", "-i", *terminal, name, "km3hub", *arguments]).returncode


def fetch(name: str, arguments: Sequence[str]) -> bytes:
    """Returns what `km3hub ARGUMENTS` writes to its standard output in a container.

    Raises
    ------
    click.exceptions.Exit
        With its exit code where it fails; its messages are shown on this terminal.
    """
    done = _docker(["exec", "-i", name, "km3hub", *arguments], stdout=subprocess.PIPE)
    if done.returncode:
        raise click.exceptions.Exit(done.returncode)
    output: bytes = done.stdout
    return output


def _docker(arguments: list[str], **options: object) -> subprocess.CompletedProcess[Any]:
    try:
        return subprocess.run(["docker", *arguments], **options)  # type: ignore[call-overload,no-any-return]
    except FileNotFoundError:
        raise click.ClickException(
            "the state of the platform is in the hub's container, but the program 'docker' is"
            " not installed here"
        ) from None
