"""The address of the server, the folder of the cache, and limits of downloads."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs

from .errors import ConfigurationError
from .hosts import is_host

#: KM3NeT's Open Data Center.
PUBLIC_SERVER = "https://opendata.km3net.de"
#: Largest catalogue in bytes; 64 MiB are some 20 000 entries.
MAX_CATALOGUE = 64 * 2**20
#: Largest file in bytes.
MAX_DOWNLOAD = 100 * 2**30


@dataclass(frozen=True)
class Settings:
    """Where data come from and go to.

    Attributes
    ----------
    server : str
        The server's address without a trailing slash.
    cache : pathlib.Path
        The cache's folder.
    hosts : tuple of str
        Further hosts that a catalogue may lead to (:class:`openkm3.hosts.Hosts`).
    max_catalogue, max_download : int
        Largest catalogue and largest file in bytes.
    """

    server: str
    cache: Path
    hosts: tuple[str, ...] = ()
    max_catalogue: int = MAX_CATALOGUE
    max_download: int = MAX_DOWNLOAD

    @classmethod
    def find(
        cls,
        server: str | None = None,
        cache: str | Path | None = None,
        hosts: Iterable[str] | None = None,
    ) -> Settings:
        """Return the settings, each from the first source that has it.

        The sources are, in this order: the argument; the environment (``OPENKM3_SERVER``,
        ``OPENKM3_CACHE``, ``OPENKM3_HOSTS``, ``OPENKM3_MAX_CATALOGUE``, ``OPENKM3_MAX_DOWNLOAD``);
        a configuration file (``OPENKM3_CONFIG``, otherwise ``openkm3/config.toml`` in the user's,
        then in the site's configuration folder; keys ``server``, ``cache``, ``hosts``,
        ``max_catalogue`` and ``max_download``); the default.

        Raises
        ------
        ConfigurationError
            If an address, a host, a number or a configuration file is not valid.
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
        return cls(
            _address(where),
            Path(folder).expanduser().absolute(),
            _hosts(hosts, files),
            _number("max_catalogue", files, MAX_CATALOGUE),
            _number("max_download", files, MAX_DOWNLOAD),
        )


def _address(text: str) -> str:
    parts = urlsplit(text.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(
            f"The server's address {text!r} is not a web address; write e.g. {PUBLIC_SERVER}"
        )
    return text.strip().rstrip("/").removesuffix("/catalog.json")


_Files = list[tuple[Path, dict[str, Any]]]


def _hosts(given: Iterable[str] | None, files: _Files) -> tuple[str, ...]:
    if isinstance(given, str):
        given = given.split(",")
    found: Iterable[str] | None = given
    if found is None:
        text = os.environ.get("OPENKM3_HOSTS") or _first(files, "hosts")
        found = text.split(",") if text else ()
    hosts = tuple(host.strip().lower() for host in found if host.strip())
    for host in hosts:
        if not is_host(host):
            raise ConfigurationError(
                f"The allowed host {host!r} is not a host name; write e.g. vo.example.org or "
                "vo.example.org:8443, several with commas"
            )
    return hosts


def _number(key: str, files: _Files, default: int) -> int:
    name = f"OPENKM3_{key.upper()}"
    text: object = os.environ.get(name)
    if not text:
        path, text = next(
            ((path, content[key]) for path, content in files if key in content), (None, default)
        )
        name = f"{path}: {key}" if path else name
    try:
        number = int(float(str(text)))
    except (ValueError, OverflowError):
        number = 0
    if number < 1:
        raise ConfigurationError(f"{name} = {text!r} is not a number of bytes, e.g. 8e9")
    return number


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
