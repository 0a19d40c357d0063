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
    """What is known of a provider; each value can be overridden in the file."""

    name: str
    issuer: str
    scopes: tuple[str, ...]
    username_claim: str
    groups_claim: str


#: By the name that `login.oidc.provider` has for them.
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
    # Only `sub` is promised to be unique and never given to somebody else (OpenID Connect Core
    # 5.7).
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
            "passwords and tokens would travel unencrypted; write https:// (http:// only for a"
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
    """A token for data services, which users' servers find in a file (RFC 8693)."""

    audience: str = Field(min_length=1, examples=["rucio"])
    """The service that shall accept the token, as the provider knows it."""
    scopes: tuple[str, ...] = ()
    """What the token allows; empty: what the provider gives."""


class Oidc(Section):
    """The OpenID provider, and who of its users may come in."""

    provider: Literal["escape-iam", "egi-check-in", "generic"] = Field(examples=["escape-iam"])
    """`escape-iam` and `egi-check-in` know the rest; each of it can be overridden."""
    client_id: str = Field(min_length=1, examples=["the id from the registration"])
    """What the provider calls this hub."""
    client_secret_file: str = Field(min_length=1, examples=["oidc-secret"])
    """A file with the client secret and nothing else, beside platform.yaml or with its whole
    path; nobody but its owner and group may read it."""
    client_authentication: Literal["basic", "post"] = "basic"
    """How the hub shows the secret: in the header (`client_secret_basic`) or in the form."""
    name: str = Field(default="", max_length=60)
    """What the button on the login page calls the provider."""
    issuer: _Encrypted | None = None
    """Its address; `/.well-known/openid-configuration` below it says the rest."""
    authorize_url: _Encrypted | None = None
    """Where people log in; by default as the provider's own description says."""
    token_url: _Encrypted | None = None
    """Where tokens come from, likewise."""
    userinfo_url: _Encrypted | None = None
    """Where the claims come from, likewise."""
    scopes: tuple[str, ...] | None = None
    """What the hub asks for; `offline_access` lets it renew tokens while somebody works."""
    username_claim: str | None = None
    """The claim that names a user, uniquely and for ever."""
    groups_claim: str | None = None
    """The claim with the user's groups; its name may hold dots."""
    allowed_groups: tuple[str, ...] = ()
    """Who may log in: members of any of these."""
    admin_groups: tuple[str, ...] = ()
    """Who administers the hub; they may log in as well."""
    allow_all: bool = False
    """Whether everybody that the provider knows may log in."""
    token_exchange: TokenExchange | None = None
    """Gives users' servers a token for data services, renewed while they run."""
    check_account: str = Field(
        default="", pattern=r"^([a-z][a-z0-9-]{0,30})?$", examples=["platform-check"]
    )
    """The account whose server the site itself starts now and then, to see whether all works; no
    person logs in as it."""

    @model_validator(mode="after")
    def _can_work(self) -> Self:
        if self.provider == "generic" and not self.issuer:
            raise ValueError(
                "the provider generic needs its address; write e.g. issuer:"
                " https://login.example.org/realms/science"
            )
        if not (self.allow_all or self.allowed_groups or self.admin_groups):
            raise ValueError(
                "nobody could log in; write allowed_groups: [...] with groups of the provider, or"
                " allow_all: true for everybody that it knows"
            )
        if self.allow_all and self.allowed_groups:
            raise ValueError(
                "allow_all lets everybody in, allowed_groups would mean nothing; keep one of them"
            )
        if "openid" not in self.asked:
            raise ValueError("scopes must hold openid, e.g. scopes: [openid, profile, email]")
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
        """What people know the provider by."""
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
