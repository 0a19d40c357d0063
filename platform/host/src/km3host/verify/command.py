"""`km3host verify`: check a deployed machine."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from km3host.configuration import load
from km3host.errors import HostError
from km3host.events import in_journal, report
from km3host.verify.report import (
    CHECKS,
    Finding,
    as_json,
    as_metrics,
    check,
    updates_as_metrics,
    write_textfile,
)
from km3host.verify.settings import CONFIGURATION, VerifySettings
from km3host.verify.updates import Update, waiting

__all__ = ["verify"]

_NAMES = click.Choice(list(CHECKS))


@click.command()
@click.option("--quick", is_flag=True, help="Leave out the visit: nobody logs in.")
@click.option("--json", "json_output", is_flag=True, help="Print one JSON object.")
@click.option(
    "--textfile", type=click.Path(path_type=Path, dir_okay=False),
    help="Write metrics for the node exporter to this file.",
)  # fmt: skip
@click.option("--only", multiple=True, type=_NAMES, help="Run only this check; may be repeated.")
@click.option("--skip", multiple=True, type=_NAMES, help="Leave out this check; may be repeated.")
@click.option(
    "--configuration", type=click.Path(path_type=Path), default=CONFIGURATION, show_default=True,
    help="What the machine is checked for.",
)  # fmt: skip
@click.pass_context
def verify(
    context: click.Context, *, quick: bool, json_output: bool, textfile: Path | None,
    only: tuple[str, ...], skip: tuple[str, ...], configuration: Path,
) -> None:  # fmt: skip
    """Check whether this machine is as it was deployed.

    Prints one line per check. Exits with 1 if one fails; each failure says what to do.
    """
    settings = load(configuration, VerifySettings)
    skipped = {*skip, *(["visit"] if quick else [])}
    began = time.monotonic()
    findings = []
    for finding in check(settings, [name for name in only or CHECKS if name not in skipped]):
        findings.append(finding)
        if not json_output:
            _show(finding)
    updates = [] if only else _updates()
    if updates and not json_output:
        names = ", ".join(map(str, updates))
        report(f"update  not installed automatically: {names}; see the role docker's README")
    if json_output:
        click.echo(as_json(findings))
    if textfile:
        metrics = as_metrics(findings, time.monotonic() - began) + updates_as_metrics(updates)
        write_textfile(textfile, metrics)
    context.exit(0 if all(finding.ok for finding in findings) else 1)


def _show(finding: Finding) -> None:
    """Report what a check found; the journal gets it as values."""
    if in_journal(sys.stdout):
        report(finding.message, check=finding.check, ok=finding.ok)
    else:
        click.echo(str(finding))


def _updates() -> list[Update]:
    """Return the updates of Docker; a broken package manager must not hide the checks' results."""
    try:
        return waiting()
    except HostError as error:
        click.echo(f"update  unknown: {error.message}", err=True)
        return []
