"""Tables of records in the embedded VO services: they come and go with the records' versions.

A version says by its `service` under which name its table is served. The table is made of the first
of its files that holds one, when the version is published; it is taken away when the version is
withdrawn or followed by one without.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings

from adqlite.tables.names import name_problem
from opendata import sandbox
from opendata.records import store
from opendata.records.models import Record, State, Version
from openkm3.errors import OpenKM3Error
from openkm3.metadata import Finding

#: Rows are in memory twice, as the file has them and as the database takes them: more memory and
#: time than a description needs.
_LIMITS = sandbox.Limits(seconds=600, memory=8 * 2**30)


class NotServed(Exception):
    """A table cannot be served; the message says why."""


def table_of(version: Version) -> str:
    """Return the name of the table that this portal serves for a version, else nothing."""
    service: dict[str, str] = version.service
    elsewhere = {"tap", "scs"} & set(service)
    return "" if elsewhere or not settings.HAS_VO else service.get("table", "")


def standing() -> Iterator[tuple[Record, str]]:
    """Yield all records that have a table, with its name."""
    records = Record.objects.filter(current__isnull=False, withdrawn=False)
    for record in records.exclude(current__service={}).select_related("current"):
        name = table_of(record.current) if record.current else ""
        if name:
            yield record, name


def findings(version: Version) -> list[Finding]:
    """Return what is known before the publication of the table that a version has served."""
    name = table_of(version)
    if not name:
        return []
    found: list[Finding] = []
    for file in version.files.select_related("description"):
        said = file.description.content.get("service")
        if said is None:
            return []  # not of a format that was looked into; :func:`check` reads it
        problems = [item for item in said if item["level"] == "error"]
        if not problems:
            return [Finding(**item) for item in said]
        found += [Finding(**item | {"where": f"{file.name}, {name}"}) for item in problems]
    return found


def check(version: Version) -> None:
    """Look whether a version's table may have its name, and whether a file holds one.

    Raises
    ------
    NotServed
        The name is no regular one, or another record has it; or no file can be served, so that
        the approval would fail.
    """
    _check_name(version)
    name = table_of(version)
    if not name:
        return
    described = [file.description.content.get("service") for file in version.files.all()]
    if any(said is not None and _can_be_served(said) for said in described):
        return
    with tempfile.TemporaryDirectory() as folder:
        _serve(version, name, serve_safely, Path(folder))


def _can_be_served(said: list[dict[str, str]]) -> bool:
    return all(item["level"] != "error" for item in said)


def _check_name(version: Version) -> None:
    name = table_of(version)
    if not name:
        return
    problem = name_problem(name)
    if problem:
        raise NotServed(f"service: {problem}")
    for other, taken in standing():
        if other.pk != version.record_id and _schema(taken) == _schema(name):
            raise NotServed(
                f"service: the record {other.identifier} serves {taken}; each record has a schema "
                "of its own: choose another name, or withdraw that record"
            )


Serve = Callable[[Path, Path, str, str], object]


def serve_safely(path: Path, folder: Path, full_name: str, title: str) -> None:
    """Serve the table of a stranger's file; see :func:`opendata.vo.process.serve`."""
    try:
        sandbox.run(
            "opendata.vo.process:serve_in_sandbox",
            str(path),
            str(folder),
            full_name,
            title,
            limits=_LIMITS,
            preload=("adqlite.tables.storage", "opendata.describing.tap_table", "openkm3.formats"),
        )
    except sandbox.SandboxError as error:
        raise ValueError(str(error)) from error


def follow(record: Record, serve: Serve = serve_safely) -> None:
    """Serve the table of the record's current version, and none of its others.

    Parameters
    ----------
    serve : callable
        Reads the file; that of a stranger in a process of its own, which is the default.

    Raises
    ------
    NotServed
        No file of the version holds a table that can be served.
    """
    if not settings.HAS_VO:
        return
    current = record.current
    stands = current is not None and current.state == State.PUBLISHED
    wanted = table_of(current) if current is not None and stands else ""
    former = {_schema(table_of(version)) for version in record.versions.all()}
    others = {_schema(name) for other, name in standing() if other.pk != record.pk}
    if current is not None and wanted:
        _check_name(current)
        _serve(current, wanted, serve, Path(settings.VO_FOLDER))
    for schema in former - others - {_schema(wanted), ""}:
        _withdraw(schema)


def missing() -> Iterator[str]:
    """Yield a sentence for each table that should be served and is not, or the other way round."""
    from adqlite.tables.storage import TableStore

    if not settings.HAS_VO:
        return
    tables = TableStore(settings.VO_FOLDER)
    expected = {_schema(name) for _, name in standing()}
    for record, name in standing():
        schema = tables.schema(_schema(name))
        if schema is None or schema.table(name.partition(".")[2]) is None:
            yield f"{record.identifier}: its table {name} is not served; run opendata tables"
        elif not tables.file(schema).exists():
            yield f"{record.identifier}: the data of its table {name} are gone; run opendata tables"
    for version in Version.objects.filter(state=State.WITHDRAWN).exclude(service={}):
        schema_name = _schema(table_of(version))
        if schema_name and schema_name not in expected and tables.schema(schema_name):
            yield f"{version} was withdrawn, but its table is served; run opendata tables"


def _schema(full_name: str) -> str:
    return full_name.partition(".")[0].lower()


def _serve(version: Version, name: str, serve: Serve, folder: Path) -> None:
    reason = "it has no file"
    for file in version.files.all():
        path = store.path_of(file.sha256)
        try:
            serve(path, folder, name, version.title)
        except (ValueError, OpenKM3Error) as error:
            # The store's name of the file says nothing to people.
            reason = f"{file.name}: {str(error).replace(f'{path}: ', '')}"
            continue
        return
    raise NotServed(f"the table {name} of {version} cannot be served: {reason}")


def _withdraw(schema: str) -> None:
    from adqlite.tables.storage import TableStore

    TableStore(settings.VO_FOLDER).withdraw(schema)
