"""Tokens: ``Authorization: Bearer odc_...`` (or ``Token``, or Dataverse's ``X-Dataverse-key``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from opendata.records.models import Account, Token

if TYPE_CHECKING:
    from rest_framework.views import APIView


class TokenAuthentication(BaseAuthentication):
    """Finds the account of a request's token."""

    def authenticate(self, request: Request) -> tuple[Account, Token] | None:
        """Return account and token, None for a request without one.

        Raises
        ------
        AuthenticationFailed
            If there is a token, but not a good one.
        """
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return None
        if scheme.lower() not in ("bearer", "token") or not text.strip():
            raise AuthenticationFailed("Send the header 'Authorization: Bearer TOKEN'.")
        token = (
            Token.objects.select_related("account")
            .filter(digest=Token.digest_of(text.strip()), account__active=True)
            .first()
        )
        if token is None or (token.expires and token.expires < timezone.now()):
            raise AuthenticationFailed("The token is unknown or expired; ask for a new one.")
        request._request.account = token.account  # type: ignore[attr-defined]
        return token.account, token

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401."""
        return "Bearer"


def account_of(request: Request) -> Account:
    """Return who asks; only where :class:`HasAccount` let the request in."""
    user: object = request.user
    if not isinstance(user, Account):
        raise AuthenticationFailed("This needs a token.")
    return user


class HasAccount(BasePermission):
    """Lets in who has an account; which role is needed, the work itself checks."""

    message = "This needs a token."

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return whether there is an account."""
        user: object = request.user
        return isinstance(user, Account)
