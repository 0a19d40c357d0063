"""The way of an alert: handed in by one account, signed off by one that may, then public."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from opendata.alerts.models import Notice
from opendata.records.models import Account, AuditEntry, Role
from opendata.records.publishing import NotAllowed, Refused
from openkm3 import alerts


def _need(account: Account, role: Role) -> None:
    if not account.has(role):
        raise NotAllowed(f"{account.name} needs the role {role.value} to {role.label}")


@transaction.atomic
def hand_in(content: bytes, account: Account) -> Notice:
    """Take an alert, GCN JSON or VOEvent; an account that may also sign off publishes it at once.

    Raises
    ------
    AlertError
        If it is no valid alert.
    Refused
        If this record of the alert is there already.
    """
    _need(account, Role.ALERT_SENDER)
    alert = alerts.read(content)
    packet = alerts.to_voevent(alert)
    if Notice.objects.filter(ivorn=alert.ivorn).exists():
        raise Refused(f"{alert.ivorn} is there already; an update has a record_number of its own")
    name = alert.name
    notice = Notice.objects.create(
        ivorn=alert.ivorn,
        event_name=name or "",
        role=alert.role,
        alert_type=alert.alert_type or "",
        instrument=alert.instrument or "",
        document=alert.fields(),
        voevent=packet,
        ra=alert.ra,
        dec=alert.dec,
        radius=alert.error_radius,
        trigger_time=alert.trigger_time or "",
        sender=account.name,
    )
    AuditEntry.objects.create(account=account.name, action="alert", subject=notice.ivorn)
    return sign_off(notice, account) if account.has(Role.ALERT_SIGNER) else notice


@transaction.atomic
def sign_off(notice: Notice, account: Account) -> Notice:
    """Publish an alert."""
    _need(account, Role.ALERT_SIGNER)
    _is_waiting(notice)
    notice.signer = account.name
    notice.issued = timezone.now()
    notice.save()
    AuditEntry.objects.create(account=account.name, action="sign off", subject=notice.ivorn)
    return notice


@transaction.atomic
def refuse(notice: Notice, account: Account) -> Notice:
    """Keep an alert from ever being published."""
    _need(account, Role.ALERT_SIGNER)
    _is_waiting(notice)
    notice.refused = True
    notice.signer = account.name
    notice.save()
    AuditEntry.objects.create(account=account.name, action="refuse alert", subject=notice.ivorn)
    return notice


def _is_waiting(notice: Notice) -> None:
    if notice.issued or notice.refused:
        raise Refused(f"{notice.ivorn} was decided on by {notice.signer}")
