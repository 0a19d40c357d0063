"""Accounts for tests."""

from __future__ import annotations

from django.contrib.auth.hashers import make_password
from django.test import Client

from opendata.accounts.models import User
from opendata.accounts.roles import Role

PASSWORD = "deep sea neutrinos"


def user(name: str, *roles: Role) -> User:
    """Return a new account without password."""
    made = User.objects.create_user(name)
    made.set_roles(roles)
    return made


def logged_in(account: User) -> Client:
    """Return a browser in which an account has logged in with `PASSWORD`."""
    User.objects.filter(pk=account.pk).update(password=make_password(PASSWORD))
    web = Client()
    answer = web.post("/curate/login", {"name": account.username, "password": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, "/curate/")
    return web
