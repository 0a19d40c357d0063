"""How people log in: accounts of the platform's own, or an OpenID provider."""

from __future__ import annotations

import ipaddress
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from km3settings.provider import Oidc
from km3settings.section import Section

__all__ = ["Login"]


class Login(Section):
    """How people prove who they are."""

    method: Literal["accounts", "oidc"] = "accounts"
    """`accounts`: the platform's own file of accounts (`km3hub accounts`); `oidc`: the provider of
    the section below. One at a time: the other one lets nobody in."""
    oidc: Oidc | None = None
    """An OpenID provider, such as ESCAPE IAM or EGI Check-in."""
    attempts: int = Field(default=5, ge=1, le=100)
    """Failed logins of one user, or ten times as many from one address, before a pause."""
    pause_seconds: int = Field(default=60, ge=1, le=3600)
    """How long that pause lasts."""

    trusted_proxies: tuple[str, ...] = ()
    """Addresses of web servers in front of the platform: what they say of a client's address is
    believed. Without it all clients behind them count as one when failed logins are counted."""

    @model_validator(mode="after")
    def _oidc_has_a_provider(self) -> Self:
        if self.method == "oidc" and self.oidc is None:
            raise ValueError(
                "method oidc needs the provider; write e.g. oidc: {provider: escape-iam, client_id:"
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
