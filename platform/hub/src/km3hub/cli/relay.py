"""Running commands in the hub's container."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

import click

from km3settings.state import State

__all__ = ["ask", "container", "relay"]


def container(state: State) -> str | None:
    """Returns the hub's container where that has the accounts; None where they are here.

    Raises
    ------
    click.ClickException
        Where that container is not running.
    """
    if os.environ.get("KM3_MODE"):  # the environment of a hub, whose accounts are here
        return None
    mode = state.root / "mode"
    if not mode.is_file() or mode.read_text(encoding="utf-8").strip() != "docker":
        return None
    named = state.run / "hub-container"
    name = named.read_text(encoding="utf-8").strip() if named.is_file() else _running_hub()
    if not name:
        raise click.ClickException(
            "the accounts are in the hub's container, which is not running; start it: make up"
        )
    return name


def _running_hub() -> str | None:
    """Returns the running container of the compose service `hub`, found by Compose's labels."""
    project = os.environ.get("KM3_PROJECT", "km3net")
    label = "label=com.docker.compose"
    filters = [f"{label}.project={project}", f"{label}.service=hub"]
    listed = _docker(
        ["ps", *(part for f in filters for part in ("--filter", f)), "--format", "{{.Names}}"],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    if listed.returncode:
        raise click.ClickException(f"Docker does not answer: {listed.stderr.strip()}")
    return next(iter(listed.stdout.split()), None)


def ask(name: str, arguments: Sequence[str]) -> str | None:
    """Returns what `km3hub ARGUMENTS` prints in a container; None where it fails."""
    command = ["exec", "-i", name, "km3hub", *arguments]
    done = _docker(command, capture_output=True, encoding="utf-8", errors="replace")
    return done.stdout if done.returncode == 0 else None


def relay(name: str, arguments: Sequence[str]) -> int:
    """Run `km3hub ARGUMENTS` in a container, with this terminal's input and output.

    Returns
    -------
    int
        Its exit code.
    """
    terminal = ["-t"] if sys.stdin.isatty() and sys.stdout.isatty() else []
    return _docker(["exec", "-i", *terminal, name, "km3hub", *arguments]).returncode


def _docker(arguments: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(["docker", *arguments], **options)  # type: ignore[call-overload,no-any-return]
    except FileNotFoundError:
        raise click.ClickException(
            "the accounts are in the hub's container, but the program 'docker' is not"
            " installed here"
        ) from None
