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
from km3settings.section import Section
from km3settings.servers import Culling, Homes, Spawner
from km3settings.services import Services
from km3settings.site import Site, Workshop

__all__ = ["Settings", "SettingsError", "json_schema", "load", "parse"]

_PORTS = {"http": 80, "https": 443}


#: Paths of JupyterHub's.
_OF_THE_HUB = ("hub", "user", "services", "api", "_chp_healthz")


def _origin(address: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(address)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


class SettingsError(ValueError):
    """The settings cannot be used; the message says why and how to mend it, one finding a line."""


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
                f"services.opendata.public_url: /{taken} is the hub's; write another path, e.g."
                f" {hub}/opendata"
            )
        return self

    @field_validator("environments", "sizes")
    @classmethod
    def _entries_with_names(cls, entries: tuple[Any, ...]) -> tuple[Any, ...]:
        if not entries:
            raise ValueError("needs at least one entry; remove the key for the default ones")
        names = [entry.name for entry in entries]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"the name {twice[0]} stands twice; give each entry its own")
        return entries


def parse(data: object) -> Settings:
    """Settings from plain data.

    Raises
    ------
    SettingsError
        With one line for each finding: the key's path, what is wrong, what is right.
    """
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise SettingsError(
            "the file: must hold sections such as 'site:' with their keys indented below;"
            f" it holds a {type(data).__name__}"
        )
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        raise SettingsError("\n".join(explain(e, Settings) for e in error.errors())) from None


def load(path: str | os.PathLike[str] | None = None) -> Settings:
    """Settings from the file `path`; None: the defaults.

    Raises
    ------
    SettingsError
        Where the file cannot be read, is not YAML, or does not pass `parse`.
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
    """The JSON Schema of `platform.yaml`, for editors that complete and check while typing."""
    schema = Settings.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "platform.yaml of the KM3NeT open science platform"
    return schema
