"""Who may log in to the pages with a password."""

from __future__ import annotations

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser

from opendata.accounts.models import User
from opendata.accounts.roles import LOGIN_ROLES


class CuratorsBackend(ModelBackend):
    """Lets curators and reviewers log in; a closed account and one without role cannot."""

    def user_can_authenticate(self, user: User | AnonymousUser | None) -> bool:
        """Returns whether an account may log in, and stay logged in."""
        return (
            isinstance(user, User)
            and super().user_can_authenticate(user)
            and any(user.has_perm(role.permission) for role in LOGIN_ROLES)
        )
