"""Accounts, tokens and sessions of portals that had their own tables for them.

Passwords keep their hashes and tokens their digests, so both work as before, and whoever is logged
in stays so. Names under which something was done, but whose account was deleted since, become
closed accounts, so that everything done refers to an account.
"""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.backends.db import SessionStore
from django.db import migrations
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

_ROLES = ("curator", "reviewer", "alert-sender", "alert-signer")
#: Where names of accounts were stored.
_NAMED = (
    ("records", "Version", ("created_by", "submitted_by", "approved_by")),
    ("records", "AuditEntry", ("account",)),
    ("alerts", "Notice", ("sender", "signer")),
)
_BACKEND = "opendata.accounts.backends.CuratorsBackend"


def carry_over(apps: Any, schema_editor: Any) -> None:
    """Copies accounts with their roles and tokens."""
    using = schema_editor.connection.alias
    users = apps.get_model("accounts", "User").objects.using(using)
    groups = apps.get_model("auth", "Group").objects.using(using)
    for account in apps.get_model("records", "Account").objects.using(using).order_by("pk"):
        user = users.create(
            username=account.name,
            password=account.password or make_password(None),
            is_active=account.active,
        )
        for role in sorted(set(account.roles).intersection(_ROLES)):
            user.groups.add(groups.get_or_create(name=role)[0])
        _copy_tokens(apps, using, account, user)
    for name in sorted(_names(apps, using) - set(users.values_list("username", flat=True))):
        users.create(username=name, password=make_password(None), is_active=False)


def _copy_tokens(apps: Any, using: str, account: Any, user: Any) -> None:
    tokens = apps.get_model("accounts", "Token").objects.using(using)
    for old in account.tokens.order_by("pk"):
        new = tokens.create(user=user, digest=old.digest, expires=old.expires)
        # What is created gets the time of now.
        tokens.filter(pk=new.pk).update(created=old.created)


def _names(apps: Any, using: str) -> set[str]:
    """Returns all names under which something was done."""
    found: set[str] = set()
    for label, model, fields in _NAMED:
        rows = apps.get_model(label, model).objects.using(using)
        for field in fields:
            found.update(rows.order_by().values_list(field, flat=True).distinct())
    return found - {""}


def keep_sessions(apps: Any, schema_editor: Any) -> None:
    """Rewrites sessions as Django's authentication stores them; what is no longer valid goes."""
    using = schema_editor.connection.alias
    users = apps.get_model("accounts", "User").objects.using(using)
    accounts = apps.get_model("records", "Account").objects.using(using)
    sessions = apps.get_model("sessions", "Session").objects.using(using)
    sessions.filter(expire_date__lt=timezone.now()).delete()
    store = SessionStore()
    for session in sessions.all():
        data = store.decode(session.session_data)
        if "account" not in data:
            continue
        account = accounts.filter(pk=data["account"], active=True).first()
        if account is None or not _proved(data.get("proof"), account.password):
            session.delete()
            continue
        user = users.get(username=account.name)
        session.session_data = store.encode(
            {
                "_auth_user_id": str(user.pk),
                "_auth_user_backend": _BACKEND,
                "_auth_user_hash": _session_hash(user.password),
            }
        )
        session.save()


def _proved(proof: object, password: str) -> bool:
    """Returns whether a session began with the password that the account still has."""
    expected = salted_hmac("opendata.session", password, algorithm="sha256").hexdigest()
    return constant_time_compare(str(proof), expected)


def _session_hash(password: str) -> str:
    """Returns what ``AbstractBaseUser.get_session_auth_hash`` gives for a password."""
    salt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
    return salted_hmac(salt, password, secret=settings.SECRET_KEY, algorithm="sha256").hexdigest()


class Migration(migrations.Migration):
    """Nothing of the tables changes."""

    dependencies: ClassVar = [
        ("accounts", "0001_initial"),
        ("records", "0003_credit"),
        ("alerts", "0001_initial"),
        ("sessions", "0001_initial"),
    ]

    operations: ClassVar = [
        migrations.RunPython(carry_over, elidable=True),
        migrations.RunPython(keep_sessions, elidable=True),
    ]
