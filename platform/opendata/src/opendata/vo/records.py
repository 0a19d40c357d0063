"""The tables of records in the VO services, published and withdrawn together with the records.

The `service` of a version names its table, which is made from the first of its files that contains
one. The table appears when the version is published. It disappears when the version is withdrawn,
or when a version without a table follows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

from adqlite.tables.names import name_problem
from adqlite.tables.storage import TableStore
from opendata import sandbox
from opendata.records import store
from opendata.records.drafts import Refused
from opendata.records.models import Record, State, Version
from openkm3.errors import OpenKM3Error
from openkm3.metadata import Finding

#: Rows are in memory twice, as read from the file and as written to the database, so this needs
#: more memory and time than a description.
_LIMITS = sandbox.Limits(seconds=600, memory=8 * 2**30)

#: Reads a file and publishes its table: file, folder of tables, full name, title.
Serve = Callable[[Path, Path, str, str], object]


class NotServed(Refused):
    """A table cannot be served; the message says why."""


# Receivers of the signals of records


def on_inspecting(*, version: Version, **_: Any) -> list[Finding]:
    """Returns the findings about the table of a draft."""
    return findings(version)


def on_submitting(*, version: Version, **_: Any) -> None:
    """Refuses a draft whose table cannot be served."""
    check(version)


def on_current_changed(*, record: Record, serve: Serve | None, **_: Any) -> None:
    """Serves the table of the version that is current now."""
    follow(record, serve or serve_safely)


def on_verifying(**_: Any) -> Iterator[str]:
    """Yields a sentence for each table that is missing, or served by mistake."""
    return mismatches()


# Tables of records


def table_of(version: Version) -> str:
    """Returns the name of the table that this portal serves for a version; empty if none."""
    service: dict[str, str] = version.service
    elsewhere = {"tap", "scs"} & set(service)
    return "" if elsewhere or not settings.HAS_VO else service.get("table", "")


def served_records() -> Iterator[tuple[Record, str]]:
    """Yields all records that have a table, with its name."""
    records = Record.objects.filter(current__isnull=False, withdrawn=False)
    for record in records.exclude(current__service={}).select_related("current"):
        name = table_of(record.current) if record.current else ""
        if name:
            yield record, name


def findings(version: Version) -> list[Finding]:
    """Returns what is known about a version's table before it is published."""
    name = table_of(version)
    if not name:
        return []
    found: list[Finding] = []
    for file in version.files.select_related("description"):
        listed = file.description.content.get("service")
        if listed is None:
            return []  # a format that was not inspected at upload; `check` reads the file
        problems = [item for item in listed if item["level"] == "error"]
        if not problems:
            return [Finding(**item) for item in listed]
        found += [Finding(**item | {"where": f"{file.name}, {name}"}) for item in problems]
    return found


def check(version: Version) -> None:
    """Checks that a version's table may have its name, and that a file contains one.

    Raises
    ------
    NotServed
        The name is not regular or belongs to another record, or no file can be served, so that the
        approval would fail.
    """
    _check_name(version)
    name = table_of(version)
    if not name:
        return
    described = [file.description.content.get("service") for file in version.files.all()]
    if any(listed is not None and _can_be_served(listed) for listed in described):
        return
    with tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        _serve(version, name, serve_safely, Path(folder))


def _can_be_served(listed: list[dict[str, str]]) -> bool:
    return all(item["level"] != "error" for item in listed)


def _check_name(version: Version) -> None:
    name = table_of(version)
    if not name:
        return
    problem = name_problem(name)
    if problem:
        raise NotServed(f"service: {problem}")
    for other, taken in served_records():
        if other.pk != version.record_id and _schema(taken) == _schema(name):
            raise NotServed(
                f"service: the record {other.identifier} serves {taken}; each record has "
                "its own schema, so choose another name, or withdraw that record"
            )


def serve_safely(path: Path, folder: Path, full_name: str, title: str) -> None:
    """Serves the table of a stranger's file; see :func:`opendata.vo.process.serve`."""
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
    """Serves the table of the record's current version, and of no other version of it.

    Parameters
    ----------
    record : Record
    serve : callable
        Reads the file; by default in the sandbox, as a stranger's file has to be.

    Raises
    ------
    NotServed
        No file of the version contains a table that can be served.
    """
    if not settings.HAS_VO:
        return
    current = record.current
    published = current is not None and current.state == State.PUBLISHED
    wanted = table_of(current) if current is not None and published else ""
    former = {_schema(table_of(version)) for version in record.versions.all()}
    others = {_schema(name) for other, name in served_records() if other.pk != record.pk}
    if current is not None and wanted:
        _check_name(current)
        _serve(current, wanted, serve, Path(settings.VO_FOLDER))
    for schema in former - others - {_schema(wanted), ""}:
        TableStore(settings.VO_FOLDER).withdraw(schema)


def mismatches() -> Iterator[str]:
    """Yields a sentence for each table that should be served and is not, or the reverse."""
    if not settings.HAS_VO:
        return
    tables = TableStore(settings.VO_FOLDER)
    expected = {_schema(name) for _, name in served_records()}
    for record, name in served_records():
        schema = tables.schema(_schema(name))
        if schema is None or schema.table(name.partition(".")[2]) is None:
            yield f"{record.identifier}: its table {name} is not served; run opendata tables"
        elif not tables.file(schema).exists():
            yield f"{record.identifier}: the data of its table {name} are gone; run opendata tables"
    for version in Version.objects.filter(state=State.WITHDRAWN).exclude(service={}):
        schema_name = _schema(table_of(version))
        if schema_name and schema_name not in expected and tables.schema(schema_name):
            yield f"{version} is withdrawn, but its table is still served; run opendata tables"


def _schema(full_name: str) -> str:
    return full_name.partition(".")[0].lower()


def _serve(version: Version, name: str, serve: Serve, folder: Path) -> None:
    reason = "it has no file"
    for file in version.files.all():
        path = store.path_of(file.sha256)
        try:
            serve(path, folder, name, version.title)
        except (ValueError, OpenKM3Error) as error:
            # People do not know the store's name of the file.
            reason = f"{file.name}: {str(error).replace(f'{path}: ', '')}"
            continue
        return
    raise NotServed(f"the table {name} of {version} cannot be served: {reason}")
