"""`km3hub schema`: for editors that complete and check platform.yaml."""

from __future__ import annotations

import json

import click

from km3hub.settings import json_schema

__all__ = ["schema"]


@click.command()
def schema() -> None:
    """Print the JSON Schema of platform.yaml."""
    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
