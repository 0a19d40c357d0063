"""A person gets everything that the portal knows, and leaves nothing but what was published."""

from __future__ import annotations

import json

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.db import models
from django.test import Client

from opendata.accounts.models import Token, User
from opendata.accounts.person import erase, export
from opendata.accounts.roles import Role
from opendata.records.models import AuditEntry

from .accounts import user

PASSWORD = "kanugu-posifo-gemoka-87"


@pytest.fixture
def ada(database: None, quick_hashes: None) -> User:
    """A curator who has a session, a token and an entry in the audit."""
    found = user("ada", Role.CURATOR)
    found.first_name, found.email = "Ada", "ada@example.org"
    found.set_password(PASSWORD)
    found.save()
    Token.issue(found)
    AuditEntry.objects.create(user=found, account="ada", action="draft", subject="x 1.0")
    return found


def everything() -> str:
    """All text of all tables."""
    found = []
    for model in apps.get_models():
        names = [
            field.attname
            for field in model._meta.concrete_fields
            if isinstance(field, models.CharField | models.TextField | models.JSONField)
        ]
        found += [repr(row) for row in model._default_manager.values_list(*names)]
    return "\n".join(found)


def test_the_export_has_what_is_stored_and_no_secret(ada: User) -> None:
    found = export("ada")
    assert found
    text = json.dumps(found)
    assert found["account"]["email"] == "ada@example.org"
    assert found["account"]["roles"] == ["curator"]
    assert [entry["subject"] for entry in found["audit"]] == ["x 1.0"]
    assert len(found["tokens"]) == 1
    assert ada.password not in text
    assert Token.objects.get(user=ada).digest not in text


def test_nobody_is_exported_for_an_unknown_name(database: None) -> None:
    assert export("nobody") is None
    assert erase("nobody") is None


def test_an_erased_account_leaves_no_name(ada: User) -> None:
    session = Session.objects.count()
    remains = erase("ada")
    assert remains
    assert "ada@example.org" not in everything()
    assert not [line for line in everything().splitlines() if "'ada'" in line]
    assert not Token.objects.filter(user=ada).exists()
    assert Session.objects.count() <= session
    assert AuditEntry.objects.filter(user=ada).count() == 1
    ada.refresh_from_db()
    assert not ada.is_active
    assert not ada.check_password(PASSWORD)
    assert ada.roles == []


def test_a_session_of_an_erased_account_ends(ada: User) -> None:
    client = Client()
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    other = Client()
    other.force_login(
        user("eve", Role.CURATOR), backend="django.contrib.auth.backends.ModelBackend"
    )
    before = Session.objects.count()
    exported = export("ada")
    assert exported
    assert len(exported["sessions"]) == 1
    erase("ada")
    assert Session.objects.count() == before - 1


def test_the_name_can_be_given_again_and_inherits_nothing(ada: User) -> None:
    erase("ada")
    again = user("ada", Role.REVIEWER)
    assert again.pk != ada.pk
    found = export("ada")
    assert found
    assert (found["audit"], found["tokens"], found["contributions"]) == ([], [], {})
