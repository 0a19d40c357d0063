"""The section `login.oidc` of `platform.yaml`: the OpenID provider that people log in with."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from km3settings.section import Address, Section

__all__ = ["PRESETS", "Oidc", "Preset", "TokenExchange"]


@dataclass(frozen=True)
class Preset:
    """Defaults for a provider; the file can override each of them."""

    name: str
    issuer: str
    scopes: tuple[str, ...]
    username_claim: str
    groups_claim: str


#: By their names in `login.oidc.provider`.
PRESETS = {
    # INDIGO IAM. With the WLCG profile groups come as `wlcg.groups`, each with a leading slash.
    "escape-iam": Preset(
        name="ESCAPE IAM",
        issuer="https://iam-escape.cloud.cnaf.infn.it",
        scopes=("openid", "profile", "email", "wlcg.groups", "offline_access"),
        username_claim="preferred_username",
        groups_claim="wlcg.groups",
    ),
    # Keycloak. Its preferred_username is not unique; voperson_id is, for ever.
    "egi-check-in": Preset(
        name="EGI Check-in",
        issuer="https://aai.egi.eu/auth/realms/egi",
        scopes=(
            "openid",
            "profile",
            "email",
            "voperson_id",
            "eduperson_entitlement",
            "offline_access",
        ),
        username_claim="voperson_id",
        groups_claim="eduperson_entitlement",
    ),
    # Only `sub` is guaranteed to be unique and never reassigned (OpenID Connect Core 5.7).
    "generic": Preset(
        name="",
        issuer="",
        scopes=("openid", "profile", "email"),
        username_claim="sub",
        groups_claim="groups",
    ),
}


def _encrypted(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme == "http" and not _on_this_machine(parts.hostname or ""):
        raise ValueError(
            "passwords and tokens would be sent unencrypted; write https:// (http:// only for a"
            " provider on this machine, e.g. http://127.0.0.1:9400)"
        )
    return address


def _on_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


_Encrypted = Annotated[Address, AfterValidator(_encrypted)]


class TokenExchange(Section):
    """A token for data services, kept in a file in users' servers (RFC 8693)."""

    audience: str = Field(min_length=1, examples=["rucio"])
    """The service that the token is for, by the name that the provider knows."""
    scopes: tuple[str, ...] = ()
    """The token's scopes; empty: the provider's default."""


class Oidc(Section):
    """The OpenID provider, and which of its users may log in."""

    provider: Literal["escape-iam", "egi-check-in", "generic"] = Field(examples=["escape-iam"])
    """`escape-iam` and `egi-check-in` have defaults for all addresses, scopes and claims."""
    client_id: str = Field(min_length=1, examples=["the id from the registration"])
    """The hub's id at the provider."""
    client_secret_file: str = Field(min_length=1, examples=["oidc-secret"])
    """A file with the client secret and nothing else, next to platform.yaml or with an
    absolute path; only its owner and group may read it."""
    client_authentication: Literal["basic", "post"] = "basic"
    """How the hub sends the secret: in the header (`client_secret_basic`) or in the form."""
    name: str = Field(default="", max_length=60)
    """The provider's name on the login button."""
    issuer: _Encrypted | None = None
    """Its address; the rest is read from `/.well-known/openid-configuration` below it."""
    authorize_url: _Encrypted | None = None
    """The authorization endpoint; default: from the provider's configuration."""
    token_url: _Encrypted | None = None
    """The token endpoint; default likewise."""
    userinfo_url: _Encrypted | None = None
    """The userinfo endpoint; default likewise."""
    scopes: tuple[str, ...] | None = None
    """The scopes to request; `offline_access` lets the hub renew tokens during a session."""
    username_claim: str | None = None
    """The claim with a unique and permanent user name."""
    groups_claim: str | None = None
    """The claim with the user's groups; its name may contain dots."""
    allowed_groups: tuple[str, ...] = ()
    """Members of any of these groups may log in."""
    admin_groups: tuple[str, ...] = ()
    """Members of any of these groups may log in and are administrators."""
    allow_all: bool = False
    """Whether every user of the provider may log in."""
    token_exchange: TokenExchange | None = None
    """Gives users' servers a token for data services and keeps it fresh."""
    check_account: str = Field(
        default="", pattern=r"^([a-z][a-z0-9-]{0,30})?$", examples=["platform-check"]
    )
    """The account whose server the site starts from time to time to check that everything works;
    nobody logs in with it."""

    @model_validator(mode="after")
    def _can_work(self) -> Self:
        if self.provider == "generic" and not self.issuer:
            raise ValueError(
                "the provider generic needs an issuer; write e.g. issuer:"
                " https://login.example.org/realms/science"
            )
        if not (self.allow_all or self.allowed_groups or self.admin_groups):
            raise ValueError(
                "nobody could log in; write allowed_groups: [...] with groups of the provider, or"
                " allow_all: true for all its users"
            )
        if self.allow_all and self.allowed_groups:
            raise ValueError("allow_all makes allowed_groups meaningless; keep one of them")
        if "openid" not in self.asked:
            raise ValueError("scopes must contain openid, e.g. scopes: [openid, profile, email]")
        return self

    @property
    def _preset(self) -> Preset:
        return PRESETS[self.provider]

    @property
    def where(self) -> str:
        """The issuer's address, without a slash at its end."""
        return self.issuer or self._preset.issuer

    @property
    def title(self) -> str:
        """The provider's name for people."""
        return self.name or self._preset.name or urlsplit(self.where).hostname or self.where

    @property
    def asked(self) -> tuple[str, ...]:
        """The scopes."""
        return self._preset.scopes if self.scopes is None else self.scopes

    @property
    def user(self) -> str:
        """The claim with the user's name."""
        return self.username_claim or self._preset.username_claim

    @property
    def groups(self) -> str:
        """The claim with the user's groups."""
        return self.groups_claim or self._preset.groups_claim
