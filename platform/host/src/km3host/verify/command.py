"""`km3host verify`: check a deployed machine."""

from __future__ import annotations

import time
from pathlib import Path

import click

from km3host.configuration import load
from km3host.verify.report import CHECKS, as_json, as_metrics, check, write_textfile
from km3host.verify.settings import CONFIGURATION, VerifySettings

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
            click.echo(str(finding))
    if json_output:
        click.echo(as_json(findings))
    if textfile:
        write_textfile(textfile, as_metrics(findings, time.monotonic() - began))
    context.exit(0 if all(finding.ok for finding in findings) else 1)
