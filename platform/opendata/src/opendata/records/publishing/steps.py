"""What every step of a record's life has in common.

A step checks the role of the account, takes effect completely or not at all, and writes the audit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import IntegrityError, connection, transaction

from opendata.accounts.models import User
from opendata.accounts.roles import Role
from opendata.records.drafts import Refused
from opendata.records.models import AuditEntry, State, Version
from opendata.records.texts import written

P = ParamSpec("P")
R = TypeVar("R")
_NAMES: dict[str, str] = {
    State.DRAFT: "a draft",
    State.REVIEW: "in review",
    State.PUBLISHED: "published",
    State.WITHDRAWN: "withdrawn",
}


class NotAllowed(Refused):
    """The account lacks a permission, or has to leave the step to someone else."""


def step(function: Callable[P, R]) -> Callable[P, R]:
    """Returns a function that takes effect completely or not at all.

    Of two that do the same at the same time, the second is refused.
    """

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with transaction.atomic():
                return function(*args, **kwargs)
        except IntegrityError:
            raise Refused("someone else changed this; reload the page") from None

    return checked


def need(user: User, role: Role) -> None:
    """Refuses an account without the permission of a role."""
    if not user.has_perm(role.permission):
        raise NotAllowed(f"{user} needs the role {role.value} to {role.label}")


def audit(user: User, action: str, subject: object, **detail: Any) -> None:
    """Writes an entry of the audit."""
    AuditEntry.objects.create(
        user=user, account=user.username, action=action, subject=str(subject), detail=detail
    )


def require_reason(text: str, missing: str = "") -> str:
    """Returns the text that explains a decision; `missing` asks for it where it is required."""
    try:
        reason = written(text)
    except ValueError as error:
        raise Refused(f"reason: {error}") from None
    if missing and not reason:
        raise Refused(f"reason: {missing}")
    return reason


def require_state(version: Version, state: State) -> None:
    """Refuses a version in another state, and locks it for the rest of the transaction."""
    rows = Version.objects.filter(pk=version.pk)
    if connection.in_atomic_block:
        rows = rows.select_for_update()
    found = rows.values_list("state", flat=True).first()
    if found != state:
        now = _NAMES[found] if found else "no longer there"
        raise Refused(f"{version} is {now}; this needs a version that is {_NAMES[state]}")
