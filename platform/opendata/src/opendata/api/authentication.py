"""Tokens of programs: ``Authorization: Bearer odc_...``, or ``Token`` instead of ``Bearer``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from opendata.accounts.models import Token, User

if TYPE_CHECKING:
    from rest_framework.views import APIView


class TokenAuthentication(BaseAuthentication):
    """Finds the account that a request's token belongs to."""

    def authenticate(self, request: Request) -> tuple[User, Token] | None:
        """Returns account and token, None for a request without a token.

        Raises
        ------
        AuthenticationFailed
            If the token is unknown or expired, or its account is closed.
        """
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
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
        # The log names the account.
        request._request.account = token.user  # type: ignore[attr-defined]
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """Returns the challenge that a 401 sends."""
        return "Bearer"


def account_of(request: Request) -> User:
    """Returns the account of a request that :class:`HasAccount` let in."""
    user: object = request.user
    if not isinstance(user, User):
        raise AuthenticationFailed("This needs a token.")
    return user


class HasAccount(BasePermission):
    """Admits requests with an account; what they do checks its role."""

    message = "This needs a token."

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Returns whether the request has an account."""
        user: object = request.user
        return isinstance(user, User)
