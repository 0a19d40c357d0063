"""What every step of a record's life has in common.

A step checks the role of the account, takes effect completely or not at all, and writes the audit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import IntegrityError, connection, transaction

from opendata.records.drafts import Refused
from opendata.records.models import Account, AuditEntry, Role, State, Version
from opendata.records.texts import written

P = ParamSpec("P")
R = TypeVar("R")


class NotAllowed(Refused):
    """The account lacks the role."""


def step(function: Callable[P, R]) -> Callable[P, R]:
    """Do all or nothing; who comes second with the same name at the same time is refused."""

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with transaction.atomic():
                return function(*args, **kwargs)
        except IntegrityError:
            raise Refused("somebody else did the same at this moment: look at it again") from None

    return checked


def need(account: Account, role: Role) -> None:
    """Refuse an account without a role."""
    if not account.has(role):
        raise NotAllowed(f"{account.name} needs the role {role.value} to {role.label}")


def audit(account: Account, action: str, subject: object, **detail: Any) -> None:
    """Write an entry of the audit."""
    AuditEntry.objects.create(
        account=account.name, action=action, subject=str(subject), detail=detail
    )


def require_reason(text: str, missing: str = "") -> str:
    """Take the text that explains a decision; `missing` is said where it has to be there."""
    try:
        reason = written(text)
    except ValueError as error:
        raise Refused(f"reason: {error}") from None
    if missing and not reason:
        raise Refused(f"reason: {missing}")
    return reason


def require_state(version: Version, state: State) -> None:
    """Refuse a version in another state; who does the same at the same time has to wait."""
    rows = Version.objects.filter(pk=version.pk)
    if connection.in_atomic_block:
        rows = rows.select_for_update()
    found = rows.values_list("state", flat=True).first()
    if found != state:
        raise Refused(f"{version} is {found or 'gone'}, for this it has to be {state.value}")
