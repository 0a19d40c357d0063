"""The privacy page follows the settings, and what has expired is deleted."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from axes.models import AccessFailureLog
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from opendata.accounts.expiry import delete_expired
from opendata.accounts.models import Token, User
from opendata.configuration import Configuration, ConfigurationError


def text(client: Client) -> str:
    answer = client.get("/privacy")
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]*>", " ", answer.content.decode()).split())


def configure(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    configuration = Configuration.load({"OPENDATA_STATE": "/nowhere", **variables})
    monkeypatch.setattr(settings, "CONFIGURATION", configuration)


def test_it_says_how_long_logs_are_kept(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, OPENDATA_LOG_DAYS="17")
    assert "17 days" in text(Client())
    configure(monkeypatch)
    assert "17 days" not in text(Client())
    assert "the newest 30 MB" in text(Client())


def test_it_names_the_contact_and_the_sites_own_policy(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(
        monkeypatch,
        OPENDATA_CONTACT="help@example.org",
        OPENDATA_POLICY_URL="https://example.org/privacy",
        OPENDATA_HUB_URL="https://hub.example.org",
    )
    page = Client().get("/privacy").content.decode()
    assert 'href="mailto:help@example.org"' in page
    assert 'href="https://example.org/privacy"' in page
    assert 'href="https://hub.example.org/hub/privacy"' in page


def test_jobs_are_named_where_there_are_jobs(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "VO services" in text(Client())
    configure(monkeypatch, OPENDATA_VO="none")
    assert "VO services" not in text(Client())


def test_every_page_links_to_it_and_reading_sets_no_cookie(database: None) -> None:
    for path in ("/", "/search", "/privacy"):
        answer = Client().get(path)
        assert b'href="/privacy"' in answer.content
        assert not answer.cookies, path


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENDATA_LOG_DAYS", "0"),
        ("OPENDATA_LOG_DAYS", "many"),
        ("OPENDATA_POLICY_URL", "javascript:alert(1)"),
    ],
)
def test_wrong_values_are_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        Configuration.load({name: value})


def test_what_has_expired_is_deleted(curator: User) -> None:
    for days in (-1, 1):
        session = SessionStore()
        session["for"] = f"{days}"
        session.set_expiry(timedelta(days=days))
        session.save()
    old = Token.issue(curator, timezone.now() - timedelta(minutes=1))
    kept = [Token.issue(curator, timezone.now() + timedelta(days=1)), Token.issue(curator)]
    AccessFailureLog.objects.create(username="x", ip_address="::1")
    AccessFailureLog.objects.create(username="y", ip_address="::1")
    AccessFailureLog.objects.filter(username="y").update(
        attempt_time=timezone.now() - timedelta(minutes=16)
    )
    delete_expired()
    assert [s.get_decoded()["for"] for s in Session.objects.all()] == ["1"]
    digests = set(Token.objects.filter(user=curator).values_list("digest", flat=True))
    assert {Token.digest_of(t) for t in kept} <= digests
    assert Token.digest_of(old) not in digests
    assert set(AccessFailureLog.objects.values_list("username", flat=True)) == {"x"}
