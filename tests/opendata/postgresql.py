"""A PostgreSQL server of our own: in a temporary folder, on a free port of the loopback."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit, urlunsplit

from tests.commands import run

HOW_TO = "PostgreSQL is missing; run: make tools"


def programs() -> Path | None:
    """Return the folder of initdb and pg_ctl, None where there is no PostgreSQL."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    # Debian keeps them off the path, a folder a version.
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return versions[-1].parent if versions else None


@contextmanager
def cluster() -> Iterator[str]:
    """Run a server until the block ends; gives the address of an empty database."""
    folder = programs()
    if folder is None:
        raise FileNotFoundError(HOW_TO)
    # The server refuses to run as root; Debian's package brings a user for it.
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    with TemporaryDirectory(prefix="opendata-pg-") as temporary:
        data = Path(temporary) / "data"
        if user:
            shutil.chown(temporary, "postgres")

        def call(program: str, *arguments: str) -> None:
            command = [*user, str(folder / program), *arguments]
            run(*command, cwd="/")

        call("initdb", "-D", str(data), "-U", "odc", "-A", "trust", "-E", "UTF8", "--no-sync")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        options = f"-h 127.0.0.1 -p {port} -k {temporary} -c fsync=off"
        log = str(Path(temporary) / "log")
        call("pg_ctl", "-D", str(data), "-l", log, "-o", options, "-w", "start")
        try:
            yield f"postgresql://odc@127.0.0.1:{port}/postgres"
        finally:
            call("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")


def new_database(url: str) -> str:
    """Make one more database on a server; gives its address."""
    import psycopg

    name = f"t{secrets.token_hex(6)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
