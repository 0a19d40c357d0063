"""The one configuration file of the platform, `platform.yaml`.

Every field has a default, so that an empty file works. Unknown keys and bad values are refused
with the key's path, what is wrong and an example of what is right.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from km3settings.login import Login
from km3settings.menu import ENVIRONMENTS, SIZES, Environment, Size
from km3settings.mistakes import explain, read_yaml, yaml_problem
from km3settings.privacy import Privacy
from km3settings.robots import Robots
from km3settings.section import Section
from km3settings.servers import Culling, Homes, Spawner
from km3settings.services import Services
from km3settings.site import Site, Workshop
from km3settings.usage import Usage

__all__ = ["Settings", "SettingsError", "json_schema", "load", "parse"]

_PORTS = {"http": 80, "https": 443}


#: Paths that JupyterHub uses.
_OF_THE_HUB = ("hub", "user", "services", "api", "_chp_healthz")


def _origin(address: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(address)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


class SettingsError(ValueError):
    """The settings are invalid; the message has one line per mistake, with what to do."""


class Settings(Section):
    """The whole of `platform.yaml`."""

    site: Site = Site()
    login: Login = Login()
    environments: tuple[Environment, ...] = Field(
        default=ENVIRONMENTS, json_schema_extra={"minItems": 1}
    )
    sizes: tuple[Size, ...] = Field(default=SIZES, json_schema_extra={"minItems": 1})
    homes: Homes = Homes()
    culling: Culling = Culling()
    workshop: Workshop = Workshop()
    services: Services = Services()
    spawner: Spawner = Spawner()
    usage: Usage = Usage()
    privacy: Privacy = Privacy()
    robots: Robots = Robots()

    @model_validator(mode="after")
    def _portal_and_hub_are_apart(self) -> Self:
        portal, hub = self.services.opendata.public_url, self.site.public_url
        if not portal or not hub or _origin(portal) != _origin(hub):
            return self
        below, above = (f"{urlsplit(address).path}/" for address in (portal, hub))
        if below == above or above.startswith(below):
            raise ValueError(
                "site.public_url and services.opendata.public_url are the same host and port;"
                " give the portal one of its own, e.g. https://opendata.example.org, or a path of"
                " its own, e.g. https://www.example.org/km3net/opendata"
            )
        taken = below.removeprefix(above).split("/")[0]
        if below.startswith(above) and taken in _OF_THE_HUB:
            raise ValueError(
                f"services.opendata.public_url: /{taken} is used by the hub; write another path,"
                f" e.g. {hub}/opendata"
            )
        return self

    @model_validator(mode="after")
    def _own_origins_have_names(self) -> Self:
        site = self.site
        host = urlsplit(site.public_url or "").hostname or "localhost"
        if site.user_origins == "own" and (":" in host or host.replace(".", "").isdigit()):
            raise ValueError(
                f"site.user_origins: own needs a host name in site.public_url; {host} has no names"
                " below it. Write e.g. https://hub.example.org, or user_origins: shared"
            )
        portal = urlsplit(self.services.opendata.public_url or "").hostname or ""
        if site.user_origins == "own" and portal.endswith(f".{host}"):
            raise ValueError(
                f"services.opendata.public_url: {portal} could be the name of a user's server;"
                f" choose one that is not below {host}, e.g. https://opendata.example.org"
            )
        return self

    @field_validator("environments", "sizes")
    @classmethod
    def _entries_with_names(cls, entries: tuple[Any, ...]) -> tuple[Any, ...]:
        if not entries:
            raise ValueError("needs at least one entry; to use the defaults, remove the key")
        names = [entry.name for entry in entries]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"the name {twice[0]} appears twice; give each entry its own name")
        return entries


def parse(data: object) -> Settings:
    """Returns the settings from plain data.

    Raises
    ------
    SettingsError
        With one line per mistake: the key's path, what is wrong, what is right.
    """
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise SettingsError(
            "the file: must contain sections such as 'site:' with indented keys; it contains a"
            f" {type(data).__name__}"
        )
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        raise SettingsError("\n".join(explain(e, Settings) for e in error.errors())) from None


def load(path: str | os.PathLike[str] | None = None) -> Settings:
    """Returns the settings from the file `path`; None: the defaults.

    Raises
    ------
    SettingsError
        If the file cannot be read, is not YAML, or is refused by `parse`.
    """
    if path is None:
        return Settings()
    name = os.fspath(path)
    try:
        text = Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{name}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{name}: is not a text file in UTF-8; save it as plain text") from None
    try:
        data = read_yaml(text)
    except yaml.MarkedYAMLError as error:
        raise SettingsError(f"{name}: not valid YAML: {yaml_problem(error)}") from None
    except yaml.reader.ReaderError as error:
        raise SettingsError(
            f"{name}: not a text file: {error.reason} at character {error.position}"
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SettingsError(f"{name}: not valid YAML: {error}") from None
    try:
        return parse(data)
    except SettingsError as error:
        raise SettingsError(
            "\n".join(f"{name}: {line}" for line in str(error).splitlines())
        ) from None


def json_schema() -> dict[str, Any]:
    """Returns the JSON Schema of `platform.yaml`, for completion and checks in editors."""
    schema = Settings.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "platform.yaml of the KM3NeT open science platform"
    return schema
