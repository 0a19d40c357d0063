"""Who sends a request, as far as fairness between clients needs to know."""

from __future__ import annotations

from django.db import DatabaseError
from django.http import HttpRequest
from rest_framework.exceptions import AuthenticationFailed

from adqlite.clients import client_of
from opendata.api.authentication import valid_token


def client(request: HttpRequest) -> str:
    """Returns the account of a request's token, otherwise its address.

    The address is that of the connection, or the one that a proxy reports which uvicorn trusts
    (``FORWARDED_ALLOW_IPS``).
    """
    user = ""
    try:
        token = valid_token(request.headers.get("Authorization", ""))
        user = str(token.user.pk) if token else ""
    except (AuthenticationFailed, DatabaseError):
        pass  # reading is open to everyone, also with an old token
    return client_of(str(request.META.get("REMOTE_ADDR", "")), user)
