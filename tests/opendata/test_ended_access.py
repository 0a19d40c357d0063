"""A new password, a closed account and a name given again: nothing of before gives access."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner, Result
from django.contrib.auth.models import Permission
from django.test import Client

from opendata.accounts.models import Token, User
from opendata.accounts.roles import Role
from opendata.cli import main
from opendata.records.models import AuditEntry

from .accounts import PASSWORD, logged_in
from .records import drafted

pytestmark = pytest.mark.usefixtures("quick_hashes")


def run(*arguments: str, password: str = PASSWORD) -> Result:
    done = CliRunner().invoke(main, [*arguments], input=f"{password}\n")
    assert done.exit_code == 0, done.output
    return done


def status(token: str) -> int:
    """Return the answer to a program that asks for drafts."""
    return Client(headers={"Authorization": f"Bearer {token}"}).get("/api/v1/drafts/").status_code


def test_a_stolen_session_and_token_end_with_a_new_password(curator: User) -> None:
    stolen, token = logged_in(curator), Token.issue(curator)
    assert (stolen.get("/curate/").status_code, status(token)) == (200, 200)
    done = run("account", "cora", "--password-stdin", password="another long password")
    assert "Ended sessions: 1; revoked tokens: 1." in done.output
    assert (stolen.get("/curate/").status_code, status(token)) == (302, 401)


def test_a_stolen_session_and_token_end_with_the_account(curator: User) -> None:
    stolen, token = logged_in(curator), Token.issue(curator)
    run("account", "cora", "--disable")
    assert (stolen.get("/curate/").status_code, status(token)) == (302, 401)
    assert not Token.objects.exists()


def test_a_name_given_again_inherits_nothing(curator: User) -> None:
    curator.user_permissions.add(Permission.objects.get(codename="sign_notice"))
    curator.add_roles(Role.REVIEWER)
    version = drafted(curator)
    stolen, token = logged_in(curator), Token.issue(curator)
    run("account", "cora", "--disable")
    run("account", "cora", "--role", "curator", "--password-stdin")
    assert (stolen.get("/curate/").status_code, status(token)) == (302, 401)
    new = User.objects.get(username="cora")
    assert new.pk != curator.pk
    assert new.roles == ["curator"]
    assert new.get_all_permissions() == {"records.curate_record"}
    page = logged_in(new).get("/curate/").content.decode()
    mine = re.search(r"<h2>My drafts</h2>(.*?)<p>", page, re.DOTALL)
    assert mine
    assert version.title not in mine[1]
    # The audit still names who acted, and the draft belongs to the former account.
    assert AuditEntry.objects.filter(user=curator, account="cora").exists()
    version.refresh_from_db()
    assert version.created_by_id == curator.pk


def test_the_same_person_gets_the_account_back_without_tokens_and_roles(curator: User) -> None:
    token = Token.issue(curator)
    curator.add_roles(Role.REVIEWER)
    run("account", "cora", "--disable")
    run("account", "cora", "--reopen", "--role", "curator", "--password-stdin")
    assert User.objects.get(username="cora").pk == curator.pk
    assert User.objects.get(username="cora").roles == ["curator"]
    assert status(token) == 401


def test_a_name_can_be_given_many_times(database: None) -> None:
    for _ in range(3):
        run("account", "ana", "--role", "curator", "--password-stdin")
        run("account", "ana", "--disable")
    assert sorted(User.objects.values_list("username", flat=True)) == ["ana", "ana~1", "ana~2"]


def test_nobody_can_take_the_name_that_keeps_a_former_account(curator: User) -> None:
    run("account", "cora", "--disable")
    run("account", "cora", "--role", "curator", "--password-stdin")
    arguments = ["account", "cora~1", "--role", "curator", "--password-stdin"]
    done = CliRunner().invoke(main, arguments, input=PASSWORD)
    assert done.exit_code == 1
    assert Client().post("/curate/login", {"name": "cora~1", "password": PASSWORD}).status_code in (
        403,
        429,
    )


def test_sessions_and_tokens_are_listed_and_ended(curator: User, reviewer: User) -> None:
    stolen, other = logged_in(curator), logged_in(reviewer)
    token = Token.issue(curator)
    listed = run("sessions").output
    assert re.search(r"^cora  session  until ", listed, re.MULTILINE)
    assert re.search(r"^cora  token  created .*  without limit$", listed, re.MULTILINE)
    assert reviewer.username in listed
    assert token not in listed
    assert reviewer.username not in run("sessions", "cora").output
    assert (
        "Ended sessions of cora: 1; revoked tokens: 1." in run("sessions", "cora", "--end").output
    )
    assert (stolen.get("/curate/").status_code, status(token)) == (302, 401)
    assert other.get("/curate/").status_code == 200
    assert CliRunner().invoke(main, ["sessions", "nobody"]).exit_code == 1
    assert CliRunner().invoke(main, ["sessions", "--end"]).exit_code == 2
