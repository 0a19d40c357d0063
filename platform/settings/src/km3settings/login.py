"""How people log in: the platform's own accounts, or an OpenID provider."""

from __future__ import annotations

import ipaddress
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from km3settings.provider import Oidc
from km3settings.section import Section

__all__ = ["Login"]


class Login(Section):
    """How people log in."""

    method: Literal["accounts", "oidc"] = "accounts"
    """`accounts`: the platform's own file of accounts (`km3hub accounts`); `oidc`: the provider of
    the section below. Only the chosen one can be used to log in."""
    oidc: Oidc | None = None
    """An OpenID provider, such as ESCAPE IAM or EGI Check-in."""
    attempts: int = Field(default=5, ge=1, le=100)
    """Failed logins of one user from one address before a pause; ten times as many of one user from
    all addresses, or from one address."""
    pause_seconds: int = Field(default=60, ge=1, le=3600)
    """How long the first pause lasts; each further one is twice as long, up to a day."""

    trusted_proxies: tuple[str, ...] = ()
    """Addresses of web servers in front of the platform: their `X-Forwarded-For`
    headers are trusted. Without this, failed logins of all clients behind them count together."""

    @model_validator(mode="after")
    def _oidc_has_a_provider(self) -> Self:
        if self.method == "oidc" and self.oidc is None:
            raise ValueError(
                "method oidc needs a provider; write e.g. oidc: {provider: escape-iam, client_id:"
                " ID, client_secret_file: oidc-secret, allowed_groups: [/escape]}"
            )
        return self

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_addresses(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            try:
                ipaddress.ip_address(proxy)
            except ValueError:
                raise ValueError(
                    f"{proxy!r} is not an IP address; write e.g. [127.0.0.1]"
                ) from None
        return proxies
