"""What the portal knows of one account, and its erasure."""

from __future__ import annotations

import secrets
from typing import Any

from django.apps import apps
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import ForeignKey, Model

from opendata.accounts.models import User
from opendata.records.models import AuditEntry, State, Version

#: Relations that say nothing beyond what is exported by itself.
_OWN = ("token", "logentry")


def export(name: str) -> dict[str, Any] | None:
    """Returns everything about an account as JSON; None where there is none of this name.

    Secrets are not included: of tokens only when they were made and until when they are valid.
    """
    user = User.objects.filter(username=name).first()
    if user is None:
        return None
    return {
        "account": {
            "name": user.username,
            "roles": user.roles,
            "first_name": user.first_name,
            "last_name": user.last_name,
            "email": user.email,
            "active": user.is_active,
            "joined": _iso(user.date_joined),
            "last_login": _iso(user.last_login),
        },
        "tokens": [
            {"created": _iso(token.created), "expires": _iso(token.expires)}
            for token in user.tokens.order_by("created")
        ],
        "sessions": [{"expires": _iso(session.expire_date)} for session in _sessions(user)],
        "audit": [
            {
                "time": _iso(entry.at),
                "action": entry.action,
                "subject": entry.subject,
                "detail": entry.detail,
            }
            for entry in AuditEntry.objects.filter(user=user).order_by("id")
        ],
        "contributions": _contributions(user),
    }


def erase(name: str) -> list[str] | None:
    """Erases an account, and returns what remains, one sentence each; None: no such account.

    What it published stays published, and the audit stays complete: both name a pseudonym from now
    on, which nothing connects with the person.
    """
    with transaction.atomic():
        user = User.objects.select_for_update().filter(username=name).first()
        if user is None:
            return None
        pseudonym = f"erased-{secrets.token_hex(6)}"
        audit = AuditEntry.objects.filter(user=user)
        # The manager's update, because an entry refuses to be changed by itself.
        entries = audit.update(account=pseudonym)
        user.tokens.all().delete()
        for session in _sessions(user):
            session.delete()
        user.set_roles([])
        user.username = pseudonym
        user.first_name = user.last_name = user.email = ""
        user.last_login = None
        user.is_active = False
        user.set_unusable_password()
        user.save()
        published = Version.objects.filter(
            created_by=user, state__in=(State.PUBLISHED, State.WITHDRAWN)
        ).count()
    return [
        f"{entries} entries of the audit, under the pseudonym {pseudonym}",
        f"{published} published versions that this account drafted, under the same pseudonym",
        "names in the author lists of published records: they are part of the publication and never"
        " change",
    ]


def _sessions(user: User) -> list[Session]:
    return [
        session
        for session in Session.objects.all()
        if session.get_decoded().get("_auth_user_id") == str(user.pk)
    ]


def _contributions(user: User) -> dict[str, list[str]]:
    """Returns the objects of every model that refer to the account, by model and relation."""
    found: dict[str, list[str]] = {}
    for model in apps.get_models():
        if model is AuditEntry or model._meta.model_name in _OWN:
            continue
        for field in model._meta.get_fields():
            if isinstance(field, ForeignKey) and field.related_model is User:
                objects: list[Model] = list(model._default_manager.filter(**{field.name: user}))
                if objects:
                    found[f"{model._meta.label_lower}.{field.name}"] = [str(o) for o in objects]
    return found


def _iso(moment: Any) -> str | None:
    return moment.isoformat() if moment else None
