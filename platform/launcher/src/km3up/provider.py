"""The client secret for the login with an OpenID provider."""

from __future__ import annotations

from pathlib import Path

from km3settings.secret import SecretError, read_secret, secret_file
from km3settings.settings import Settings
from km3up.failure import Failure

__all__ = ["by_provider", "client_secret"]


def by_provider(settings: Settings) -> bool:
    """Returns whether users log in with a provider instead of the platform's accounts."""
    return settings.login.method == "oidc"


def client_secret(settings: Settings, settings_file: Path) -> str:
    """Returns the client secret; empty if the login needs none.

    Raises
    ------
    Failure
        If it cannot be read.
    """
    if not by_provider(settings) or settings.login.oidc is None:
        return ""
    try:
        return read_secret(secret_file(settings.login.oidc, settings_file))
    except SecretError as error:
        raise Failure(str(error)) from None
