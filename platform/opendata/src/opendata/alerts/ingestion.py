"""Submission and approval of alerts, after which they are public."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from opendata.accounts.models import User
from opendata.accounts.roles import Role
from opendata.alerts.models import Notice
from opendata.records.publishing import Refused
from opendata.records.publishing.steps import audit, need
from openkm3 import alerts

#: Alerts of one sender that may wait for approval; each may have 4 MiB.
WAITING = 200


@transaction.atomic
def hand_in(content: bytes, user: User) -> Notice:
    """Submit an alert, GCN JSON or VOEvent; if the account may also approve it, publish it at once.

    Raises
    ------
    AlertError
        If it is not a valid alert.
    Refused
        If this record of the alert exists already.
    """
    need(user, Role.ALERT_SENDER)
    alert = alerts.read(content)
    packet = alerts.to_voevent(alert)
    if Notice.objects.filter(ivorn=alert.ivorn).exists():
        raise Refused(f"{alert.ivorn} exists already; give an update a record_number of its own")
    waiting = Notice.objects.filter(sender=user, issued__isnull=True, refused=False).count()
    if waiting >= WAITING:
        raise Refused(
            f"{waiting} alerts of {user} wait for approval, the maximum for one sender; ask a "
            "signer to approve or refuse them first"
        )
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
        sender=user,
    )
    audit(user, "alert", notice.ivorn)
    return sign_off(notice, user) if user.has_perm(Role.ALERT_SIGNER.permission) else notice


@transaction.atomic
def sign_off(notice: Notice, user: User) -> Notice:
    """Approve and publish an alert; an update or a retraction cites the last record issued.

    Raises
    ------
    Refused
        If it was approved or refused before, a later record is public, or nothing can be retracted.
    """
    need(user, Role.ALERT_SIGNER)
    _is_waiting(notice)
    _cite_what_was_issued(notice)
    notice.signer = user
    notice.issued = timezone.now()
    notice.save()
    audit(user, "sign off", notice.ivorn)
    return notice


@transaction.atomic
def refuse(notice: Notice, user: User) -> Notice:
    """Refuse an alert for good."""
    need(user, Role.ALERT_SIGNER)
    _is_waiting(notice)
    notice.refused = True
    notice.signer = user
    notice.save()
    audit(user, "refuse alert", notice.ivorn)
    return notice


def _cite_what_was_issued(notice: Notice) -> None:
    """Add the citation of an update or a retraction, now that the last public record is known."""
    alert = alerts.Alert.from_json(notice.document)
    # Locked, so that two records of an event that are approved at once see each other.
    event = Notice.objects.select_for_update().filter(
        event_name=notice.event_name, role=notice.role, issued__isnull=False
    )
    public = sorted(event, key=_record)
    if public and _record(public[-1]) > _record(notice):
        raise Refused(f"{public[-1].ivorn} is newer and public already: refuse {notice.ivorn}")
    if alert.alert_type == "retraction" and not public:
        raise Refused(
            f"no record of {notice.event_name} was issued, so there is nothing to retract: "
            f"refuse {notice.ivorn}"
        )
    if alert.alert_type in {"update", "retraction"}:
        notice.voevent = alert.to_voevent(cites=public[-1].ivorn if public else "")


def _record(notice: Notice) -> int:
    return int(notice.document.get("record_number", 1))


def _is_waiting(notice: Notice) -> None:
    if notice.issued or notice.refused:
        raise Refused(f"{notice.ivorn} was approved or refused already by {notice.signer}")
