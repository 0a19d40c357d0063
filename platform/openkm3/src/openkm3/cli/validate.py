"""``openkm3 validate``: report what is wrong in a file and how to correct it."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from ..formats import read
from ..metadata import Finding
from ..metadata import validate as find
from . import options

_COLOURS = {"error": "red", "warning": "yellow", "hint": "cyan"}


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--strict", is_flag=True, help="Treat warnings as errors.")
@options.as_json
def validate(files: tuple[Path, ...], strict: bool, as_json: bool) -> None:
    """Check the metadata and data of files.

    The exit code is 0 without errors, 1 with errors, and 2 if a file cannot be read.
    """
    found: dict[str, list[Finding]] = {}
    for path in files:
        dataset = read(path)
        found[str(path)] = find(dataset.annotation, dataset.data_tables)
    if as_json:
        content = {name: [asdict(finding) for finding in each] for name, each in found.items()}
        click.echo(json.dumps(content, indent=1, ensure_ascii=False))
    else:
        for name, each in found.items():
            _report(name, each)
    bad = {"error", "warning"} if strict else {"error"}
    sys.exit(any(finding.level in bad for each in found.values() for finding in each))


def _report(name: str, findings: list[Finding]) -> None:
    counts = {level: sum(f.level == level for f in findings) for level in _COLOURS}
    summary = ", ".join(f"{n} {level}{'s' * (n > 1)}" for level, n in counts.items() if n)
    click.secho(f"{name}: {summary or 'no problems found'}", bold=True)
    for finding in findings:
        level = click.style(f"{finding.level:<7}", fg=_COLOURS[finding.level])
        click.echo(f"  {level}  {finding.where}: {finding.problem}")
        click.echo(f"           {finding.advice}")
