"""The configuration, read from environment variables.

Everything has a default. A wrong value is refused with the name of the variable and what is right.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from adqlite.limits import Limits

_VARIABLES = {
    "state": "OPENDATA_STATE",
    "host": "OPENDATA_HOST",
    "port": "OPENDATA_PORT",
    "public_url": "OPENDATA_PUBLIC_URL",
    "hosts": "OPENDATA_HOSTS",
    "database_url": "DATABASE_URL",
    "title": "OPENDATA_TITLE",
    "contact": "OPENDATA_CONTACT",
    "hub_url": "OPENDATA_HUB_URL",
    "upload_mb": "OPENDATA_UPLOAD_MB",
    "log_days": "OPENDATA_LOG_DAYS",
    "policy_url": "OPENDATA_POLICY_URL",
    "spool_mb": "OPENDATA_SPOOL_MB",
    "free_mb": "OPENDATA_FREE_MB",
    "drafts_gb": "OPENDATA_DRAFTS_GB",
    "tap_limits": "OPENDATA_TAP_LIMITS",
    "vo": "OPENDATA_VO",
    "bills": "OPENDATA_BILLS",
}


class ConfigurationError(Exception):
    """An environment variable has a value that cannot be used."""


class Configuration(BaseModel):
    """The settings of one instance."""

    model_config = ConfigDict(frozen=True)

    state: Path = Path(".opendata")
    host: str = "127.0.0.1"
    port: int = Field(default=8090, ge=0, le=65535)
    public_url: str = ""
    hosts: tuple[str, ...] = ()
    database_url: str = ""
    title: str = "KM3NeT Open Data Center"
    contact: str = ""
    hub_url: str = ""
    upload_mb: int = Field(default=100, ge=1, le=100_000)
    #: Days after which whoever keeps the logs deletes entries; None: unknown.
    log_days: int | None = Field(default=None, ge=1, le=3650)
    policy_url: str = ""
    #: Space for request bodies, of all clients together.
    spool_mb: int = Field(default=4_000, ge=1)
    #: Space that uploads leave free on the disk, but at most a twentieth of it.
    free_mb: int = Field(default=500, ge=0)
    #: Files in the drafts of one account.
    drafts_gb: float = Field(default=100, gt=0)
    #: Limits of TAP that differ from the defaults of :class:`adqlite.Limits`, by name.
    tap_limits: dict[str, str] = {}
    #: ``embedded``, ``none``, or the address of a DaCHS server.
    vo: str = "embedded"
    #: Bills of materials of the platform's images, ``NAME.cdx.json``; the portal's image has them.
    bills: Path = Path("/opt/sbom/built")

    @field_validator("hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("tap_limits", mode="before")
    @classmethod
    def _pairs(cls, value: object) -> object:
        if isinstance(value, str):
            return dict(part.partition("=")[::2] for part in value.split())
        return value

    @field_validator("tap_limits")
    @classmethod
    def _are_limits(cls, value: dict[str, str]) -> dict[str, str]:
        try:
            Limits.model_validate(value)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = ".".join(str(part) for part in first["loc"])
            raise ValueError(
                f"{name}: {first['msg'].removeprefix('Value error, ')}; write for example "
                "stored_bytes=20000000000 client_jobs=20"
            ) from None
        return value

    @field_validator("public_url", "hub_url", "policy_url")
    @classmethod
    def _is_web_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("is not a web address such as https://opendata.example.org")
        return value.rstrip("/")

    @field_validator("vo")
    @classmethod
    def _is_service(cls, value: str) -> str:
        parts = urlsplit(value)
        if value in ("embedded", "none") or (parts.scheme in ("http", "https") and parts.hostname):
            return value.rstrip("/")
        raise ValueError("must be embedded, none or the web address of a DaCHS server")

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in ("postgresql", "postgres"):
            raise ValueError("must begin with postgresql://, or be empty for SQLite")
        return value

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Reads the environment.

        Raises
        ------
        ConfigurationError
            Names the variable and what is wrong with its value.
        """
        source = os.environ if environment is None else environment
        values: dict[str, Any] = {
            field: source[name] for field, name in _VARIABLES.items() if source.get(name)
        }
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = _VARIABLES.get(str(first["loc"][0]), str(first["loc"][0]))
            shown = "(hidden)" if name == "DATABASE_URL" else repr(first["input"])
            message = first["msg"].removeprefix("Value error, ")
            raise ConfigurationError(f"{name}={shown}: {message}") from None

    def folder(self, name: str = "") -> Path:
        """Returns a folder of the state; it is created at first use, readable by this user only."""
        # `parents` ignores the mode, so the state's own folder is created first.
        self.state.absolute().mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.state.absolute() / name
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    def secret(self, name: str) -> str:
        """Returns a secret of the state folder; it is generated at first use, mode 0600."""
        path = self.folder("secrets") / name
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_text("ascii").strip()
        with os.fdopen(handle, "w") as file:
            text = secrets.token_urlsafe(48)
            file.write(text)
        return text
