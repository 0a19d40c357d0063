"""The address of the server and the folder of the cache."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs

from .errors import ConfigurationError

#: KM3NeT's Open Data Center.
PUBLIC_SERVER = "https://opendata.km3net.de"


@dataclass(frozen=True)
class Settings:
    """The server's address without a trailing slash, and the cache's folder."""

    server: str
    cache: Path

    @classmethod
    def find(cls, server: str | None = None, cache: str | Path | None = None) -> Settings:
        """Return the settings, each from the first source that has it.

        The sources are, in this order: the argument; the environment (``OPENKM3_SERVER``,
        ``OPENKM3_CACHE``); a configuration file (``OPENKM3_CONFIG``, otherwise
        ``openkm3/config.toml`` in the user's, then in the site's configuration folder; keys
        ``server`` and ``cache``); the default.

        Raises
        ------
        ConfigurationError
            If an address or a configuration file is not valid.
        """
        files = list(_files())
        where = str(
            server or os.environ.get("OPENKM3_SERVER") or _first(files, "server") or PUBLIC_SERVER
        )
        folder = (
            cache
            or os.environ.get("OPENKM3_CACHE")
            or _first(files, "cache")
            or platformdirs.user_cache_path("openkm3")
        )
        return cls(_address(where), Path(folder).expanduser().absolute())


def _address(text: str) -> str:
    parts = urlsplit(text.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(
            f"The server's address {text!r} is not a web address; write e.g. {PUBLIC_SERVER}"
        )
    return text.strip().rstrip("/").removesuffix("/catalog.json")


def _files() -> Iterator[tuple[Path, dict[str, Any]]]:
    if named := os.environ.get("OPENKM3_CONFIG"):
        path = Path(named)
        if not path.is_file():
            raise ConfigurationError(f"OPENKM3_CONFIG names {path}, but there is no such file")
        yield path, _load(path)
        return
    for folder in (
        platformdirs.user_config_path("openkm3"),
        platformdirs.site_config_path("openkm3"),
    ):
        path = folder / "config.toml"
        if path.is_file():
            yield path, _load(path)


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from None


def _first(files: list[tuple[Path, dict[str, Any]]], key: str) -> str | None:
    for path, content in files:
        value = content.get(key)
        if value is None:
            continue
        if not isinstance(value, str) or not value:
            raise ConfigurationError(f'{path}: {key} must be a string, e.g. {key} = "..."')
        return value
    return None
