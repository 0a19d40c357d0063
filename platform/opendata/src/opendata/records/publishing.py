"""The way of a record: draft -> review -> published -> withdrawn.

Every change goes through a function of this module, which checks who may do it, does all or
nothing, and writes the audit.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

from django.db import IntegrityError, connection, transaction
from django.db.models import Max, QuerySet
from django.utils import timezone
from pydantic import ValidationError

from adqlite.tables.names import name_problem
from opendata import describing
from opendata.records import store
from opendata.records.drafts import (
    Draft,
    NewRecord,
    Refused,
    draft_like,
    fields_of,
    stated,
)
from opendata.records.models import (
    Account,
    Alias,
    AuditEntry,
    DataFile,
    Description,
    Record,
    Role,
    State,
    Version,
)
from opendata.records.texts import written
from opendata.vo import records as tables
from openkm3.catalogue import Entry, Kind, Service
from openkm3.errors import MetadataError
from openkm3.metadata import KTYPES, Annotation, Finding, validate

_TYPES = {
    ".ecsv": "text/csv",
    ".fits": "application/fits",
    ".h5": "application/x-hdf5",
    ".json": "application/json",
    ".root": "application/x-root",
    ".vot": "application/x-votable+xml",
}
#: Contents whose metadata describe data; of others the metadata only have to be readable.
_DATA = ("km3.data", "km3.env", "km3.daq", "km3.resource.service")


#: What callers take from here beside the functions; it is written down in drafts.py.
__all__ = ["Draft", "NewRecord", "Refused", "draft_like", "fields_of", "stated"]

P = ParamSpec("P")
R = TypeVar("R")


class NotAllowed(Refused):
    """The account lacks the role."""


def _step(function: Callable[P, R]) -> Callable[P, R]:
    """Do all or nothing; who comes second with the same name at the same time is refused."""

    @wraps(function)
    def step(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with transaction.atomic():
                return function(*args, **kwargs)
        except IntegrityError:
            raise Refused("somebody else did the same at this moment: look at it again") from None

    return step


def _need(account: Account, role: Role) -> None:
    if not account.has(role):
        raise NotAllowed(f"{account.name} needs the role {role.value} to {role.label}")


def _audit(account: Account, action: str, subject: object, **detail: Any) -> None:
    AuditEntry.objects.create(
        account=account.name, action=action, subject=str(subject), detail=detail
    )


def _check_draft(draft: Draft, kind: str) -> None:
    if draft.ktype not in KTYPES:
        raise Refused(f"ktype: there is no {draft.ktype!r}; /api/v1/ktypes/ lists all")
    if (draft.ktype in ("km3.collection", "km3.stream")) != (kind != "resource"):
        raise Refused(f"ktype: {draft.ktype} does not fit a {kind}")
    if draft.simulated and "SIMULATED" not in draft.title:
        raise Refused("title: what is simulated says SIMULATED in its title")
    if "table" in draft.service and (problem := name_problem(draft.service["table"])):
        raise Refused(f"service: {problem}")
    try:
        annotation = Annotation.parse(draft.metadata)
    except MetadataError as error:
        raise Refused(str(error)) from None
    try:
        # One entry that breaks its rules would leave the catalogue without all others.
        Entry(
            identifier="x",
            title=draft.title,
            kind=cast("Kind", kind),
            ktype=draft.ktype,
            url=draft.url or None,
            service=Service(**draft.service),
            metadata=annotation,
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = first["loc"][-1]
        message = first["msg"].removeprefix("Value error, ")
        raise Refused(f"{'service: ' if name != 'url' else ''}{name}: {message}") from None


def _reason(text: str, missing: str = "") -> str:
    """Take the text that explains a decision; `missing` is said where it has to be there."""
    try:
        reason = written(text)
    except ValueError as error:
        raise Refused(f"reason: {error}") from None
    if missing and not reason:
        raise Refused(f"reason: {missing}")
    return reason


@_step
def create(new: NewRecord, draft: Draft, account: Account) -> Version:
    """Make a record and its first draft."""
    _need(account, Role.CURATOR)
    try:
        Entry(
            identifier=new.identifier,
            title=draft.title,
            kind=new.kind,
            ktype=draft.ktype,
            aliases=new.aliases,
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise Refused(f"{first['loc'][0]}: {first['msg']}") from None
    for name in (new.identifier, *new.aliases):
        if (
            Record.objects.filter(identifier=name).exists()
            or Alias.objects.filter(name=name).exists()
        ):
            raise Refused(f"identifier: {name} is taken")
    if len({new.identifier, *new.aliases}) != 1 + len(new.aliases):
        raise Refused("aliases: a name is there twice")
    parent = None
    if new.parent is not None:
        parent = Record.objects.filter(identifier=new.parent).exclude(kind="resource").first()
        if parent is None:
            raise Refused(f"parent: there is no collection or stream {new.parent}")
    record = Record.objects.create(
        identifier=new.identifier,
        kind=new.kind,
        parent=parent,
        position=new.position,
        title=draft.title,
        ktype=draft.ktype,
    )
    for name in new.aliases:
        Alias.objects.create(record=record, name=name)
    return new_version(record, draft, account)


@_step
def new_version(record: Record, draft: Draft, account: Account) -> Version:
    """Make a draft; there is one at a time."""
    _need(account, Role.CURATOR)
    _check_draft(draft, record.kind)
    last = record.versions.first()
    if last is not None and last.state in (State.DRAFT, State.REVIEW):
        raise Refused(f"{last} is still in {last.state}: publish or discard it first")
    _refuse_taken(draft.label, record.versions.all())
    number = (record.versions.aggregate(Max("number"))["number__max"] or 0) + 1
    version = Version.objects.create(
        record=record, number=number, created_by=account.name, **fields_of(draft)
    )
    _audit(account, "draft", version)
    return version


@_step
def next_version(record: Record, account: Account, changes: str = "") -> Version:
    """Make a draft that begins as a copy of the current version, files included."""
    current = record.current
    if current is None:
        raise Refused(f"{record.identifier} has no published version to begin with")
    said = {"label": next_label(record), "changes": changes}
    version = new_version(record, draft_like(current, **said), account)
    for file in current.files.select_related("description"):
        content = file.description.content
        file.pk, file.version = None, version
        file._state.adding = True
        file.save()
        Description.objects.create(file=file, content=content)
    return version


def next_label(record: Record) -> str:
    """Returns the label with the next number at its first place: 1.3 is followed by 2.0."""
    taken = set(record.versions.values_list("label", flat=True))
    number = max(int(label.partition(".")[0]) for label in taken) + 1
    return f"{number}.0"


def _refuse_taken(label: str, others: QuerySet[Version]) -> None:
    """Refuse a label that another version has, also in other words: 1, 1.0 and 1.0.0 are one."""
    for other in others.values_list("label", flat=True):
        if label_number(other) == label_number(label):
            raise Refused(f"label: there is a version {other} already")


def label_number(label: str) -> tuple[int, ...]:
    """Returns a version's label as numbers that can be compared: 1.10 comes after 1.9."""
    major, minor, patch = ([int(part) for part in label.split(".")] + [0, 0])[:3]
    return major, minor, patch


@_step
def change(version: Version, draft: Draft, account: Account) -> Version:
    """Write a draft anew."""
    _need(account, Role.CURATOR)
    _is(version, State.DRAFT)
    _check_draft(draft, version.record.kind)
    _refuse_taken(draft.label, version.record.versions.exclude(pk=version.pk))
    for name, value in _kept(version, draft).items():
        setattr(version, name, value)
    version.save()
    _audit(account, "change", version)
    return version


def _kept(version: Version, draft: Draft) -> dict[str, Any]:
    """Return the fields of a draft; what a client does not know yet stays as it is."""
    fields = fields_of(draft)
    for name in ("funding", "subjects", "publisher", "issued"):
        if name not in draft.model_fields_set:
            fields[name] = getattr(version, name)
    same = [item["name"] for item in fields["creators"]] == [item.name for item in version.people]
    if "creators" not in draft.model_fields_set and same:
        # The text of the authors is the one of before, which has no ORCID iDs.
        fields["creators"] = version.creators
    return fields


def add_file(
    version: Version,
    name: str,
    pieces: Iterable[bytes],
    account: Account,
    *,
    limit: int | None = None,
    describe: Callable[[Path, str], dict[str, Any]] = describing.describe_safely,
) -> DataFile:
    """Add a file to a draft, or replace the one of that name.

    Parameters
    ----------
    describe : callable
        Reads the file; that of a stranger in a process of its own, which is the default.

    Raises
    ------
    Refused
        If the name is not plain, or the file is damaged or of no known format.
    """
    _need(account, Role.CURATOR)
    _is(version, State.DRAFT)
    try:
        Entry(identifier="x", title="x", kind="resource", ktype="x", filename=name)
    except ValidationError:
        raise Refused(f"name: {name!r} is not a plain file name") from None
    content = store.put(pieces, limit)
    if content.size == 0:
        raise Refused(f"{name} is empty")
    try:
        found = describe(store.path_of(content.sha256), name)
    except describing.Unreadable as error:
        raise Refused(f"{name}: {error}") from None
    with transaction.atomic():
        _is(version, State.DRAFT)
        version.files.filter(name=name).delete()
        file = DataFile.objects.create(
            version=version,
            name=name,
            size=content.size,
            sha256=content.sha256,
            media_type=media_type(name),
            format=found.get("format", ""),
            position=version.files.count(),
        )
        Description.objects.create(file=file, content=found)
        _audit(account, "file", file, sha256=content.sha256, size=content.size)
    return file


@_step
def remove_file(file: DataFile, account: Account) -> None:
    """Take a file out of a draft."""
    _need(account, Role.CURATOR)
    _is(file.version, State.DRAFT)
    _audit(account, "remove file", file)
    file.delete()


def media_type(name: str) -> str:
    """Return the media type for a file name."""
    suffix = Path(name).suffix.lower()
    return _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def findings(version: Version) -> list[Finding]:
    """Return what is wrong with a version's metadata, and its files with respect to their own."""
    found: list[Finding] = []
    if version.ktype.startswith(_DATA):
        found += validate(version.annotation)
    for file in version.files.select_related("description"):
        found += [Finding(**item) for item in file.description.content.get("findings", [])]
    found += tables.findings(version)
    return list(dict.fromkeys(found))


@_step
def submit(version: Version, account: Account, *, accept_findings: str = "") -> Version:
    """Hand a draft to the reviewers.

    Parameters
    ----------
    accept_findings : str
        Why errors of the metadata stay, e.g. because the data were published like that elsewhere.
    """
    _need(account, Role.CURATOR)
    _is(version, State.DRAFT)
    accept_findings = _reason(accept_findings)
    wrong = [str(item) for item in findings(version) if item.level == "error"]
    if wrong and not accept_findings:
        raise Refused("the metadata are wrong: " + "; ".join(wrong[:5]))
    needs_file = version.record.kind == "resource" and not (
        version.files.exists() or version.url or version.doi or version.service
    )
    if needs_file:
        raise Refused("there is nothing to publish: add a file, a DOI, an address or a service")
    with _tables():
        tables.check(version)
    version.state = State.REVIEW
    version.submitted_by = account.name
    version.findings_accepted = accept_findings
    version.save()
    _audit(account, "submit", version, accepted=accept_findings)
    return version


@_step
def reject(version: Version, account: Account, reason: str) -> Version:
    """Give a version back to the curators."""
    _need(account, Role.REVIEWER)
    _is(version, State.REVIEW)
    reason = _reason(reason, "say what has to be changed")
    version.state = State.DRAFT
    version.save()
    _audit(account, "reject", version, reason=reason)
    return version


def sent_back(version: Version) -> str:
    """Return why a draft came back from its review, nothing if it did not."""
    entry = AuditEntry.objects.filter(subject=str(version), action__in=("reject", "submit")).first()
    return str(entry.detail.get("reason", "")) if entry and entry.action == "reject" else ""


@_step
def approve(
    version: Version, account: Account, *, serve: tables.Serve = tables.serve_safely
) -> Version:
    """Publish a version; whoever submitted it cannot.

    Parameters
    ----------
    serve : callable
        Reads the file whose table the VO services get; that of a stranger in a process of its own,
        which is the default.
    """
    _need(account, Role.REVIEWER)
    _is(version, State.REVIEW)
    if version.submitted_by == account.name:
        raise NotAllowed(f"{account.name} submitted {version}: somebody else has to approve it")
    parent = version.record.parent
    if parent is not None and parent.current is None:
        raise Refused(f"publish {parent.identifier} first, which it is a part of")
    version.state = State.PUBLISHED
    version.approved_by = account.name
    version.published_at = timezone.now()
    version.save()
    record = version.record
    record.current = _newest(record)
    record.reindex()
    _audit(account, "publish", version)
    with _tables():
        tables.follow(record, serve)
    return version


def _newest(record: Record) -> Version | None:
    """Return the published version with the highest label: 1.10, published after 2.0, is older."""
    return max(
        record.versions.filter(state=State.PUBLISHED),
        key=lambda version: (_numbers(version.label), version.number),
        default=None,
    )


def _numbers(label: str) -> tuple[int, ...]:
    """Return the numbers of a label, of which 2 and 2.0 have the same."""
    numbers = [int(part) for part in label.split(".")]
    return (*numbers, *[0] * (3 - len(numbers)))


@_step
def withdraw(
    version: Version,
    account: Account,
    reason: str,
    *,
    serve: tables.Serve = tables.serve_safely,
) -> Version:
    """Take a published version back; a tombstone with the reason stays."""
    _need(account, Role.REVIEWER)
    _is(version, State.PUBLISHED)
    reason = _reason(reason, "say why, the tombstone shows it")
    version.state = State.WITHDRAWN
    version.withdrawn_at = timezone.now()
    version.withdrawn_reason = reason
    version.save()
    record = version.record
    # The newest version that still stands is the current one; if none does, the tombstone is.
    record.current = _newest(record) or version
    record.reindex()
    _audit(account, "withdraw", version, reason=reason)
    with _tables():
        tables.follow(record, serve)
    return version


@_step
def discard(version: Version, account: Account) -> None:
    """Delete a draft, and its record if that has nothing else."""
    _need(account, Role.CURATOR)
    _is(version, State.DRAFT)
    _audit(account, "discard", version)
    record = version.record
    version.delete()
    if not record.versions.exists() and not record.children.exists():
        record.delete()


@contextmanager
def _tables() -> Iterator[None]:
    try:
        yield
    except tables.NotServed as error:
        raise Refused(str(error)) from None


def _is(version: Version, state: State) -> None:
    """Refuse a version in another state; who does the same at the same time has to wait."""
    rows = Version.objects.filter(pk=version.pk)
    if connection.in_atomic_block:
        rows = rows.select_for_update()
    found = rows.values_list("state", flat=True).first()
    if found != state:
        raise Refused(f"{version} is {found or 'gone'}, for this it has to be {state.value}")
