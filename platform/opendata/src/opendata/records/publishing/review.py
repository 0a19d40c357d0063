"""From a draft to its publication, and to a withdrawal."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from django.utils import timezone

from opendata.records import signals
from opendata.records.drafts import Refused
from opendata.records.models import Account, AuditEntry, Role, State, Version
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

#: Contents whose metadata describe data; of others the metadata only have to be readable.
_DATA = ("km3.data", "km3.env", "km3.daq", "km3.resource.service")


def findings(version: Version) -> list[Finding]:
    """Return what is wrong with a version's metadata, and its files with respect to their own."""
    found: list[Finding] = []
    if version.ktype.startswith(_DATA):
        found += validate(version.annotation)
    for file in version.files.select_related("description"):
        found += [Finding(**item) for item in file.description.content.get("findings", [])]
    for _, more in signals.inspecting.send(Version, version=version):
        found += cast("list[Finding]", more)
    return list(dict.fromkeys(found))


@step
def submit(version: Version, account: Account, *, accept_findings: str = "") -> Version:
    """Hand a draft to the reviewers.

    Parameters
    ----------
    accept_findings : str
        Why errors of the metadata stay, e.g. because the data were published like that elsewhere.
    """
    need(account, Role.CURATOR)
    require_state(version, State.DRAFT)
    accept_findings = require_reason(accept_findings)
    wrong = [str(item) for item in findings(version) if item.level == "error"]
    if wrong and not accept_findings:
        raise Refused("the metadata are wrong: " + "; ".join(wrong[:5]))
    needs_file = version.record.kind == "resource" and not (
        version.files.exists() or version.url or version.doi or version.service
    )
    if needs_file:
        raise Refused("there is nothing to publish: add a file, a DOI, an address or a service")
    signals.submitting.send(Version, version=version)
    version.state = State.REVIEW
    version.submitted_by = account.name
    version.findings_accepted = accept_findings
    version.save()
    audit(account, "submit", version, accepted=accept_findings)
    return version


@step
def reject(version: Version, account: Account, reason: str) -> Version:
    """Give a version back to the curators."""
    need(account, Role.REVIEWER)
    require_state(version, State.REVIEW)
    reason = require_reason(reason, "say what has to be changed")
    version.state = State.DRAFT
    version.save()
    audit(account, "reject", version, reason=reason)
    return version


def sent_back(version: Version) -> str:
    """Return why a draft came back from its review, nothing if it did not."""
    entry = AuditEntry.objects.filter(subject=str(version), action__in=("reject", "submit")).first()
    return str(entry.detail.get("reason", "")) if entry and entry.action == "reject" else ""


@step
def approve(
    version: Version, account: Account, *, serve: Callable[..., object] | None = None
) -> Version:
    """Publish a version; whoever submitted it cannot.

    Parameters
    ----------
    serve : callable, optional
        Reads the file whose table the VO services get. By default it is read in the sandbox, as a
        stranger's file has to be.
    """
    need(account, Role.REVIEWER)
    require_state(version, State.REVIEW)
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
    record.current = newest(record)
    record.reindex()
    audit(account, "publish", version)
    signals.current_changed.send(Version, record=record, serve=serve)
    return version


@step
def withdraw(
    version: Version,
    account: Account,
    reason: str,
    *,
    serve: Callable[..., object] | None = None,
) -> Version:
    """Take a published version back; a tombstone with the reason stays."""
    need(account, Role.REVIEWER)
    require_state(version, State.PUBLISHED)
    reason = require_reason(reason, "say why, the tombstone shows it")
    version.state = State.WITHDRAWN
    version.withdrawn_at = timezone.now()
    version.withdrawn_reason = reason
    version.save()
    record = version.record
    # The newest version that still stands is the current one; if none does, the tombstone is.
    record.current = newest(record) or version
    record.reindex()
    audit(account, "withdraw", version, reason=reason)
    signals.current_changed.send(Version, record=record, serve=serve)
    return version
