"""Users and the tokens of programs."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import AbstractUser, Group
from django.core.validators import RegexValidator
from django.db import models

from opendata.accounts.roles import Role


class User(AbstractUser):
    """A person, or a program, who may do more than read."""

    username = models.CharField(
        "user name",
        max_length=100,
        unique=True,
        validators=[
            RegexValidator(
                r"^[A-Za-z0-9][\w.@+-]*\Z",
                "A user name begins with a letter or digit; letters, digits and . @ + - _ follow.",
            )
        ],
        error_messages={"unique": "There is already an account of this name."},
    )

    @classmethod
    def normalize_username(cls, username: str) -> str:
        """Returns the name unchanged: names of older accounts were never normalised."""
        return username

    @property
    def roles(self) -> list[str]:
        """The roles of the account, in alphabetical order."""
        names = self.groups.filter(name__in=Role.values).order_by("name")
        return list(names.values_list("name", flat=True))

    def add_roles(self, *roles: Role | str) -> None:
        """Adds roles to those that the account has."""
        self.set_roles({*self.roles, *roles})

    def set_roles(self, roles: Iterable[Role | str]) -> None:
        """Replaces the roles of the account; its other groups stay.

        Raises
        ------
        ValueError
            If there is no such role.
        """
        wanted = {Role(role).value for role in roles}
        for name in sorted(wanted):
            self.groups.add(Group.objects.get_or_create(name=name)[0])
        self.groups.remove(*self.groups.filter(name__in=set(Role.values) - wanted))
        # Django keeps the permissions that it has read with the object.
        for cache in ("_perm_cache", "_group_perm_cache", "_user_perm_cache"):
            self.__dict__.pop(cache, None)


class Token(models.Model):
    """A secret that stands for an account; only its sha256 is kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True)
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField(null=True)

    @classmethod
    def issue(cls, user: User, expires: datetime | None = None) -> str:
        """Creates a token and returns its text, which is known only now."""
        text = f"odc_{secrets.token_urlsafe(32)}"
        cls.objects.create(user=user, digest=cls.digest_of(text), expires=expires)
        return text

    @staticmethod
    def digest_of(text: str) -> str:
        """Returns what is kept of a token; it is random and long, so that no salt is needed."""
        return hashlib.sha256(text.encode()).hexdigest()
