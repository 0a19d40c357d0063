"""Commands that run the portal: ``migrate`` and ``serve``."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress

import click


@click.command()
def migrate() -> None:
    """Create or upgrade the database."""
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=1)


@click.command()
@click.option("--host", help="Address to listen on (OPENDATA_HOST).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on (OPENDATA_PORT).")
@click.option("--migrate", "upgrade", is_flag=True, help="Upgrade the database first.")
@click.option(
    "--seed", "fill", is_flag=True, help="Fill an empty portal first (see opendata seed)."
)
def serve(host: str | None, port: int | None, upgrade: bool, fill: bool) -> None:
    """Serve the portal until it is stopped."""
    import uvicorn
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    from opendata.accounts import expiry
    from opendata.slow_clients import TimelyProtocol

    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        if not upgrade:
            raise click.ClickException("the database is not up to date: run opendata migrate")
        call_command("migrate", interactive=False, verbosity=1)
    if fill:
        _fill()
    expiry.start()
    with _describing() if upgrade else nullcontext():
        _clean()
        connection.close()
        configuration = settings.CONFIGURATION
        uvicorn.run(
            "opendata.asgi:application",
            host=host or configuration.host,
            port=configuration.port if port is None else port,
            lifespan="off",
            http=TimelyProtocol,
            log_config=None,
            access_log=False,
            proxy_headers=bool(configuration.public_url),
            server_header=False,
            timeout_graceful_shutdown=10,
        )


@contextmanager
def _describing() -> Iterator[None]:
    """Describe files again beside the server, if an earlier version described them."""
    from opendata.describing.anew import outdated

    if not outdated().exists():
        yield
        return
    process = subprocess.Popen([sys.executable, "-m", "opendata", "describe"])
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _clean() -> None:
    """Delete what uploads left behind when an earlier server ended."""
    from opendata.records import store

    with suppress(OSError):  # a folder that cannot be read
        store.delete_abandoned()


def _fill() -> None:
    from opendata.records.models import Record

    if not Record.objects.exists():
        # In its own process: the memory that generating data needs is released again.
        done = subprocess.run([sys.executable, "-m", "opendata", "seed"])
        if done.returncode:
            raise click.ClickException("the portal could not be filled; see the messages above")
