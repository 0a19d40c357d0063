"""From a draft to its publication, and to a withdrawal."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from django.utils import timezone

from opendata.accounts.models import User
from opendata.accounts.roles import Role
from opendata.records import signals
from opendata.records.drafts import Refused
from opendata.records.models import AuditEntry, State, Version
from opendata.records.publishing.labels import newest
from opendata.records.publishing.steps import (
    NotAllowed,
    audit,
    need,
    require_reason,
    require_state,
    step,
)
from openkm3.metadata import Finding, validate

#: Content types with data, whose metadata are validated; others only need readable metadata.
_DATA = ("km3.data", "km3.env", "km3.daq", "km3.resource.service")


def findings(version: Version) -> list[Finding]:
    """Returns the problems found in a version's metadata, its files and its tables."""
    found: list[Finding] = []
    if version.ktype.startswith(_DATA):
        found += validate(version.annotation)
    for file in version.files.select_related("description"):
        found += [Finding(**item) for item in file.description.content.get("findings", [])]
    for _, more in signals.inspecting.send(Version, version=version):
        found += cast("list[Finding]", more)
    return list(dict.fromkeys(found))


@step
def submit(version: Version, user: User, *, accept_findings: str = "") -> Version:
    """Submits a draft for review.

    Parameters
    ----------
    accept_findings : str
        Why errors of the metadata are accepted, for example because the data were published like
        that elsewhere.
    """
    need(user, Role.CURATOR)
    require_state(version, State.DRAFT)
    accept_findings = require_reason(accept_findings)
    wrong = [str(item) for item in findings(version) if item.level == "error"]
    if wrong and not accept_findings:
        raise Refused("the metadata have errors: " + "; ".join(wrong[:5]))
    needs_file = version.record.kind == "resource" and not (
        version.files.exists() or version.url or version.doi or version.service
    )
    if needs_file:
        raise Refused("there is nothing to publish: add a file, a DOI, an address or a service")
    signals.submitting.send(Version, version=version)
    version.state = State.REVIEW
    version.submitted_by = user
    version.findings_accepted = accept_findings
    version.save()
    audit(user, "submit", version, accepted=accept_findings)
    return version


@step
def reject(version: Version, user: User, reason: str) -> Version:
    """Sends a version back to its curator."""
    need(user, Role.REVIEWER)
    require_state(version, State.REVIEW)
    reason = require_reason(reason, "say what needs to change")
    version.state = State.DRAFT
    version.save()
    audit(user, "reject", version, reason=reason)
    return version


def sent_back(version: Version) -> str:
    """Returns why a draft was sent back; empty if it was not."""
    entry = AuditEntry.objects.filter(subject=str(version), action__in=("reject", "submit")).first()
    return str(entry.detail.get("reason", "")) if entry and entry.action == "reject" else ""


@step
def approve(version: Version, user: User, *, serve: Callable[..., object] | None = None) -> Version:
    """Publishes a version; whoever submitted it cannot.

    Parameters
    ----------
    serve : callable, optional
        Reads the file whose table the VO services get. By default it is read in the sandbox, as a
        stranger's file has to be.
    """
    need(user, Role.REVIEWER)
    require_state(version, State.REVIEW)
    if version.submitted_by_id == user.pk:
        raise NotAllowed(f"{user} submitted {version}, so someone else has to approve it")
    parent = version.record.parent
    if parent is not None and parent.current is None:
        raise Refused(f"publish {parent.identifier} first; {version.record} is part of it")
    version.state = State.PUBLISHED
    version.approved_by = user
    version.published_at = timezone.now()
    version.save()
    record = version.record
    record.current = newest(record)
    record.reindex()
    audit(user, "publish", version)
    signals.current_changed.send(Version, record=record, serve=serve)
    return version


@step
def withdraw(
    version: Version,
    user: User,
    reason: str,
    *,
    serve: Callable[..., object] | None = None,
) -> Version:
    """Withdraws a published version; a tombstone with the reason stays."""
    need(user, Role.REVIEWER)
    require_state(version, State.PUBLISHED)
    reason = require_reason(reason, "say why; the page of the record will show it")
    version.state = State.WITHDRAWN
    version.withdrawn_at = timezone.now()
    version.withdrawn_reason = reason
    version.save()
    record = version.record
    # The newest published version is the current one; without any it is the tombstone.
    record.current = newest(record) or version
    record.reindex()
    audit(user, "withdraw", version, reason=reason)
    signals.current_changed.send(Version, record=record, serve=serve)
    return version
