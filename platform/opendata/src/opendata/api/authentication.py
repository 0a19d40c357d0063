"""Tokens of programs: ``Authorization: Bearer odc_...``, or ``Token`` instead of ``Bearer``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from opendata.accounts.models import Token, User
from opendata.accounts.roles import Role

if TYPE_CHECKING:
    from rest_framework.views import APIView


def valid_token(header: str) -> Token | None:
    """Returns the valid token in an ``Authorization`` header, with its user; None without header.

    Raises
    ------
    AuthenticationFailed
        If the token is unknown or expired, or its account is closed.
    """
    scheme, _, text = header.partition(" ")
    if not scheme:
        return None
    if scheme.lower() not in ("bearer", "token") or not text.strip():
        raise AuthenticationFailed("Send the header 'Authorization: Bearer TOKEN'.")
    token = (
        Token.objects.select_related("user")
        .filter(digest=Token.digest_of(text.strip()), user__is_active=True)
        .first()
    )
    if token is None or (token.expires and token.expires < timezone.now()):
        raise AuthenticationFailed("The token is unknown or expired; ask for a new one.")
    return token


class TokenAuthentication(BaseAuthentication):
    """Finds the account that a request's token belongs to."""

    def authenticate(self, request: Request) -> tuple[User, Token] | None:
        """Returns account and token, None for a request without a token.

        Raises
        ------
        AuthenticationFailed
            If the token is unknown or expired, or its account is closed.
        """
        token = valid_token(request.headers.get("Authorization", ""))
        if token is None:
            return None
        # The log names the account.
        request._request.account = token.user  # type: ignore[attr-defined]
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """Returns the challenge that a 401 sends."""
        return "Bearer"


def account_of(request: Request) -> User:
    """Returns the account of a request that :class:`HasRole` let in."""
    user: object = request.user
    if not isinstance(user, User):
        raise AuthenticationFailed("This needs a token.")
    return user


class HasRole(BasePermission):
    """Admits requests of accounts with a role that the view's `roles` names for the method.

    The role is checked before anything is looked up: otherwise the difference between 403 and 404
    would tell any account which drafts exist.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Returns whether the account of the request has one of the roles."""
        user: object = request.user
        if not isinstance(user, User):
            self.message = "This needs a token."
            return False
        roles = _roles(view, request.method or "")
        if any(user.has_perm(role.permission) for role in roles):
            return True
        needed = " or ".join(f"{role.value} (to {role.label})" for role in roles)
        self.message = f"{user} needs the role {needed}."
        return False


def _roles(view: Any, method: str) -> tuple[Role, ...]:
    """Returns the roles of which one is needed; for methods that a view does not name, any."""
    roles: Mapping[str, tuple[Role, ...]] = view.roles
    # A method without an entry is answered with 405, by whoever has a role here.
    return roles.get("GET" if method in ("HEAD", "OPTIONS") else method, ()) or tuple(
        dict.fromkeys(role for more in roles.values() for role in more)
    )
