"""Records and drafts: created, changed, discarded."""

from __future__ import annotations

from typing import Any

from django.db.models import Max
from pydantic import ValidationError

from opendata.accounts.models import User
from opendata.accounts.roles import Role
from opendata.records.drafts import Draft, NewRecord, Refused, draft_like, fields_of
from opendata.records.models import (
    Alias,
    Description,
    Record,
    State,
    Version,
)
from opendata.records.publishing.checks import check_draft
from opendata.records.publishing.labels import next_label, refuse_taken
from opendata.records.publishing.steps import audit, need, require_state, step
from openkm3.catalogue import Entry


@step
def create(new: NewRecord, draft: Draft, user: User) -> Version:
    """Creates a record and its first draft."""
    need(user, Role.CURATOR)
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
        raise Refused("aliases: a name occurs twice")
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
    return new_version(record, draft, user)


@step
def new_version(record: Record, draft: Draft, user: User) -> Version:
    """Creates a draft; a record has one at a time."""
    need(user, Role.CURATOR)
    check_draft(draft, record.kind)
    last = record.versions.first()
    if last is not None and last.state in (State.DRAFT, State.REVIEW):
        raise Refused(f"{last} is not published yet; publish or discard it first")
    refuse_taken(draft.label, record.versions.all())
    number = (record.versions.aggregate(Max("number"))["number__max"] or 0) + 1
    version = Version.objects.create(
        record=record, number=number, created_by=user, **fields_of(draft)
    )
    audit(user, "draft", version)
    return version


@step
def next_version(record: Record, user: User, changes: str = "") -> Version:
    """Creates a draft as a copy of the current version, including its files."""
    current = record.current
    if current is None:
        raise Refused(f"{record.identifier} has no published version to copy")
    changed = {"label": next_label(record), "changes": changes}
    version = new_version(record, draft_like(current, **changed), user)
    for file in current.files.select_related("description"):
        content = file.description.content
        file.pk, file.version = None, version
        file._state.adding = True
        file.save()
        Description.objects.create(file=file, content=content)
    return version


@step
def change(version: Version, draft: Draft, user: User) -> Version:
    """Replaces the content of a draft."""
    need(user, Role.CURATOR)
    require_state(version, State.DRAFT)
    check_draft(draft, version.record.kind)
    refuse_taken(draft.label, version.record.versions.exclude(pk=version.pk))
    for name, value in _kept(version, draft).items():
        setattr(version, name, value)
    version.save()
    audit(user, "change", version)
    return version


def _kept(version: Version, draft: Draft) -> dict[str, Any]:
    """Returns the fields of a draft; those that the client does not mention stay as they are."""
    fields = fields_of(draft)
    for name in ("funding", "subjects", "publisher", "issued"):
        if name not in draft.model_fields_set:
            fields[name] = getattr(version, name)
    same = [item["name"] for item in fields["creators"]] == [item.name for item in version.people]
    if "creators" not in draft.model_fields_set and same:
        # The authors as text are unchanged, and the text has no ORCID iDs.
        fields["creators"] = version.creators
    return fields


@step
def discard(version: Version, user: User) -> None:
    """Deletes a draft, and its record if that has nothing else."""
    need(user, Role.CURATOR)
    require_state(version, State.DRAFT)
    audit(user, "discard", version)
    record = version.record
    version.delete()
    if not record.versions.exists() and not record.children.exists():
        record.delete()
