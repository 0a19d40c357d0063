"""Commands for a hub that runs in a container."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

import click

from km3settings.state import State

__all__ = ["ask", "container", "relay"]


def container(state: State) -> str | None:
    """The name of the hub's container where the accounts live in it, or None where they are here.

    Raises
    ------
    click.ClickException
        Where they live in a container that does not run.
    """
    if os.environ.get("KM3_MODE"):  # this is a hub's own environment: its accounts are here
        return None
    mode = state.root / "mode"
    if not mode.is_file() or mode.read_text(encoding="utf-8").strip() != "docker":
        return None
    named = state.run / "hub-container"
    name = named.read_text(encoding="utf-8").strip() if named.is_file() else _running_hub()
    if not name:
        raise click.ClickException(
            "the accounts live in the hub's container, and it does not run; start it: make up"
        )
    return name


def _running_hub() -> str | None:
    """The running container of the compose service `hub`, by the labels that compose gives it."""
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
    """What `km3hub ARGUMENTS` prints in a container; None where it fails."""
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
            "the accounts live in the hub's container, but there is no program 'docker' here"
        ) from None
