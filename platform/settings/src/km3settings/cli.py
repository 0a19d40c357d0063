"""The command line `km3settings`: check platform.yaml, print what follows from it."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import click

import km3settings
from km3settings.compose import compose_environment
from km3settings.runtime import Runtime
from km3settings.settings import SettingsError, json_schema, load
from km3settings.state import State
from km3settings.summary import report
from km3settings.wildcard import decide

__all__ = ["main", "schema"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(km3settings.__version__, prog_name="km3settings")
def main() -> None:
    """The settings of the KM3NeT open science platform.

    Exit codes: 0 done, 1 something cannot work, 2 the input or the settings are wrong.
    """
    for stream in (sys.stdout, sys.stderr):
        # A name may contain letters that the terminal's encoding lacks.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


@main.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
def check(file: Path | None) -> None:
    """Check platform.yaml and print what it means.

    FILE defaults to the one that KM3_PLATFORM_FILE names, or else config/platform.yaml. `km3hub
    check` also checks that accounts have the groups that the file names. Exit codes: 0 everything
    works, 1 it is valid but something in it cannot work, 2 it is invalid.
    """
    report(file, lambda: None)


@main.command()
def schema() -> None:
    """Print the JSON Schema of platform.yaml."""
    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@main.command("compose-env")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--project", default="km3net", show_default=True, help="Prefix of all names.")
@click.option("--port", default=8000, show_default=True, help="The login page's port.")
def compose_env(file: Path | None, project: str, port: int) -> None:
    """Print the variables of docker-compose.yml that follow from FILE, as NAME=VALUE lines."""
    try:
        settings = load(file)
    except SettingsError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    runtime = decide(settings, Runtime("docker", port, project, State(Path())))
    for name, value in compose_environment(settings, runtime).items():
        click.echo(f"{name}={value}")
