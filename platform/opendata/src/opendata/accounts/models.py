"""Users and the tokens of programs."""

from __future__ import annotations

import hashlib
import itertools
import secrets
from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AbstractUser, Group
from django.contrib.sessions.models import Session
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.utils import timezone

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

    def end_access(self) -> tuple[int, int]:
        """Ends the sessions and revokes the tokens of the account.

        Returns
        -------
        int, int
            The numbers of sessions and of tokens.
        """
        sessions = sessions_of(self)
        for session in sessions:
            session.delete()
        revoked, _rows = self.tokens.all().delete()
        return len(sessions), revoked

    @transaction.atomic
    def close(self) -> None:
        """Closes the account for good: no login, sessions, tokens or roles.

        The row stays, because the audit and versions refer to it.
        """
        self.end_access()
        self.is_active = False
        self.set_unusable_password()
        self.save()
        self.set_roles(())
        self.groups.clear()
        self.user_permissions.clear()

    @classmethod
    def release(cls, name: str) -> None:
        """Frees the name of a closed account for another person.

        The old account keeps everything that it did, under a name that no account can be given.
        """
        for number in itertools.count(1):
            former = f"{name[:90]}~{number}"
            if not cls.objects.filter(username=former).exists():
                cls.objects.filter(username=name, is_active=False).update(username=former)
                return


def sessions_of(user: User | None = None) -> list[Session]:
    """Returns the sessions that have not ended, of one account or of all."""
    found = []
    for session in Session.objects.filter(expire_date__gt=timezone.now()):
        account = session.get_decoded().get(SESSION_KEY)
        if account is not None and (user is None or account == str(user.pk)):
            found.append(session)
    return found


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
