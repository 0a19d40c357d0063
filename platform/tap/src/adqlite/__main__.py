"""The command line: publish files, serve them, ask them."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from adqlite.errors import MetadataError, VOError
from adqlite.limits import Limits
from adqlite.publication import publish, publish_sqlite
from adqlite.service import TapService

if TYPE_CHECKING:
    from astropy.table import Table


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; returns its exit code: 0, or 1 with the reason on standard error."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except ImportError as error:
        print(f"adqlite: {error}; install adqlite[server]", file=sys.stderr)
        return 1
    except (VOError, MetadataError, OSError, ValueError) as error:
        print(f"adqlite: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="adqlite", description="Publish tables to the Virtual Observatory."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    adding = commands.add_parser("publish", help="publish a table or an SQLite file")
    adding.add_argument("folder", type=Path, help="where published tables are kept")
    adding.add_argument("file", type=Path, help="SQLite file, or any file that astropy reads")
    adding.add_argument(
        "name", nargs="?", default="", help="SCHEMA of an SQLite file, SCHEMA.TABLE of another"
    )
    adding.add_argument(
        "--position",
        nargs=2,
        metavar=("RA", "DEC"),
        help="columns with the position in degrees; they give the table a cone search",
    )
    adding.set_defaults(run=_publish)

    serve = commands.add_parser("serve", help="serve published tables over HTTP")
    serve.add_argument("folder", type=Path)
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8080)
    serve.add_argument("--base-url", default="", help="public address, if another one")
    serve.add_argument(
        "--limit",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change a limit, e.g. sync_seconds=60; adqlite.Limits lists all",
    )
    serve.set_defaults(run=_serve)

    query = commands.add_parser("query", help="run one query and print its result")
    query.add_argument("folder", type=Path)
    query.add_argument("query", help="ADQL")
    query.add_argument("--format", default="text")
    query.set_defaults(run=_query)
    return parser


def _publish(options: argparse.Namespace) -> None:
    position = tuple(options.position) if options.position else None
    if _is_sqlite(options.file):
        schema = publish_sqlite(
            options.folder, options.file, schema=options.name, position=position
        )
    else:
        schema = publish(options.folder, options.name, _read(options.file), position=position)
    for table in schema.tables:
        print(f"{schema.name}.{table.name}: {table.rows} rows")


def _read(path: Path) -> Table:
    from astropy.table import Table

    try:
        return Table.read(path)
    except Exception as error:  # readers of formats raise anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{path}: astropy cannot read this file ({reason})") from None


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def _serve(options: argparse.Namespace) -> None:
    import uvicorn

    from adqlite.http.asgi import application

    limits = _limits(options.limit)
    app = application(_existing(options.folder), limits, base_url=options.base_url)
    uvicorn.run(app, host=options.host, port=options.port)


def _limits(given: list[str]) -> Limits:
    wanted = dict(text.partition("=")[::2] for text in given)
    try:
        return Limits.model_validate(wanted)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"--limit {first['loc'][0]}: {first['msg']}") from None


def _existing(folder: Path) -> Path:
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder; publish a table to it first")
    return folder


def _query(options: argparse.Namespace) -> None:
    service = TapService(_existing(options.folder))
    try:
        asked = {"LANG": "ADQL", "QUERY": options.query, "FORMAT": options.format}
        _, result = service.sync(asked, {})
        with result:
            shutil.copyfileobj(result, sys.stdout.buffer)
    finally:
        service.close()


if __name__ == "__main__":
    sys.exit(main())
