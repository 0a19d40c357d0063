"""The one configuration file of the platform, `platform.yaml`.

Every field has a default, so that an empty file works. Unknown keys and bad values are refused
with the key's path, what is wrong and an example of what is right.
"""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

import yaml
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from km3settings.mistakes import explain, read_yaml, yaml_problem
from km3settings.provider import Oidc
from km3settings.section import Section, SiteAddress

__all__ = ["Section", "Settings", "SettingsError", "in_bytes", "json_schema", "load", "parse"]

_SIZE = r"^\d+(\.\d+)?\s*[KMGTkmgt]i?[Bb]?$"
_LEAST_MEMORY = 256 * 1024**2
_NAME = re.compile(r"^[a-z][a-z0-9-]{0,30}$")


class SettingsError(ValueError):
    """The settings cannot be used; the message says why and how to mend it, one finding a line."""


def _memory(value: str) -> str:
    if not re.match(_SIZE, value):
        raise ValueError("is not an amount of memory; write a number and a unit, e.g. 2G or 512M")
    amount = re.sub(r"\s", "", value).upper().removesuffix("B").replace("I", "")
    if not float(amount[:-1]):
        raise ValueError("must be more than nothing, e.g. 2G")
    return amount


def in_bytes(amount: str) -> int:
    """An amount such as `2G` in bytes; units are powers of 1024, as in Docker's limits."""
    return int(float(amount[:-1]) * 1024 ** ("KMGT".index(amount[-1]) + 1))


def _name(value: str) -> str:
    if not _NAME.match(value):
        raise ValueError("use small letters, digits and '-', starting with a letter, e.g. stack")
    return value


def _as_text(value: object) -> object:
    # YAML reads `memory: 2` as a number; the rule for amounts can then explain the missing unit.
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


Memory = Annotated[
    str,
    BeforeValidator(_as_text),
    AfterValidator(_memory),
    WithJsonSchema({"type": "string", "pattern": _SIZE, "examples": ["2G", "512M"]}),
]
Name = Annotated[
    str,
    AfterValidator(_name),
    WithJsonSchema({"type": "string", "pattern": _NAME.pattern, "examples": ["stack"]}),
]

#: What Docker takes as the name of an image: registry, path, tag and digest.
_IMAGE = re.compile(
    r"^([A-Za-z0-9.-]+(:\d+)?/)?[a-z0-9]+([._/-]+[a-z0-9]+)*(:\w[\w.-]{0,127})?"
    r"(@[\w.+:-]+)?$",
    re.ASCII,
)


def _image(value: str) -> str:
    if not _IMAGE.match(value):
        raise ValueError("is not the name of an image; write e.g. registry.example.org/mine:1.0")
    return value


Image = Annotated[str, AfterValidator(_image)]

_PORTS = {"http": 80, "https": 443}


#: Paths of JupyterHub's.
_OF_THE_HUB = ("hub", "user", "services", "api", "_chp_healthz")


def _origin(address: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(address)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


class Banner(Section):
    """A message on every page of the hub and in JupyterLab; changes without a restart."""

    text: str = Field(default="", max_length=500)
    """The message, plain text. Empty: no banner."""
    level: Literal["info", "warning", "danger"] = "info"
    """How loud it is."""


class Site(Section):
    """What the site is called and where it is reached."""

    name: str = Field(default="KM3NeT open science platform", min_length=1, max_length=80)
    """Shown in the header of every page."""
    public_url: SiteAddress | None = None
    """The address that users type, if it differs from the one `make up` prints. With a path, such
    as `https://www.example.org/km3net`, all of the hub is below it."""
    contact: str = Field(default="your local administrator", min_length=1)
    """Whom users should ask for help: a name, an e-mail address or an address of a page."""
    banner: Banner = Banner()


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


class Environment(Section):
    """A choice in the environment menu."""

    name: Name
    """The name used in addresses, by the API and (embedded) for the folder of the environment."""
    title: str = Field(min_length=1, max_length=60)
    description: str = Field(default="", max_length=200)
    image: Image
    """The image that is started for it (containers)."""
    groups: tuple[str, ...] = ()
    """Who may choose it; empty: everybody."""


class Size(Section):
    """A choice in the size menu."""

    name: Name
    title: str = ""
    memory: Memory
    """Limit of memory, swap included, e.g. 2G."""
    cpu: float = Field(ge=0.01, le=256)
    """Limit of processor cores, e.g. 1 or 0.5."""
    groups: tuple[str, ...] = ()
    """Who may choose it; empty: everybody."""

    @field_validator("memory")
    @classmethod
    def _a_server_fits(cls, memory: str) -> str:
        if in_bytes(memory) < _LEAST_MEMORY:
            raise ValueError("is too little for a notebook server; write at least 256M")
        return memory


class Homes(Section):
    """Where people keep their files."""

    quota: Memory | None = None
    """How much a home should hold; the landing page shows what is used of it."""


class Culling(Section):
    """Stopping servers that nobody uses. A server with a busy kernel is in use."""

    idle_minutes: int = Field(default=60, ge=0)
    """Stop a server after so long without activity; 0: never."""
    check_minutes: float = Field(default=5, gt=0, le=60)
    """How often to look."""
    max_age_hours: int = Field(default=0, ge=0)
    """Stop any server after so long, busy or not; 0: never."""


class Workshop(Section):
    """A day with many participants."""

    title: str = ""
    """Shown on the login page; empty: no workshop."""


class OpenData(Section):
    """The Open Data Center: portal, REST and Virtual Observatory services."""

    enabled: bool = True
    """Whether it is started with the platform."""
    port: int | None = Field(default=None, ge=1024, le=65535)
    """Its port on this machine; by default the login page's and 90 more, e.g. 8090."""
    public_url: SiteAddress | None = None
    """The address that people use, if it differs from the one `make up` prints. On the hub's own
    host (with a path) nobody can curate by it: users' servers share that host. With `enabled:
    false`: the portal of another site, which this platform shall use."""
    demonstration: bool = True
    """Whether an empty portal is filled with demonstration data; what is simulated says so."""


class Services(Section):
    """The data services beside the hub."""

    opendata: OpenData = OpenData()
    containers: tuple[str, ...] = ()
    """Containers that join every user's network, as user servers must reach them by name."""


#: RFC 1918, and what providers use among themselves (RFC 6598).
_PRIVATE = [
    ipaddress.IPv4Network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
]


class Spawner(Section):
    """How user servers are started."""

    kind: Literal["auto", "process", "docker", "swarm"] = "auto"
    """`auto`: containers where a Docker Engine answers, local processes otherwise. `swarm`:
    containers on several machines, which `deploy/` sets up and `make up` does not."""
    egress: Literal["internet", "none"] = "internet"
    """What user servers reach (containers): the internet, or nothing but the platform."""
    network_pool: str = "10.213.0.0/16"
    """Private addresses for the users' networks, 8 for each user."""
    start_timeout: int = Field(default=120, ge=10, le=1800)
    """Seconds that a server may take to start."""
    concurrent: int = Field(default=8, ge=1)
    """How many servers may be starting at once; more wait for their turn."""
    pids: int = Field(default=512, ge=64)
    """Processes and threads of one user server."""

    @field_validator("network_pool")
    @classmethod
    def _pool_is_a_network(cls, pool: str) -> str:
        try:
            network = ipaddress.ip_network(pool)
        except ValueError:
            network = None
        if network is None or not any(
            isinstance(network, ipaddress.IPv4Network) and network.subnet_of(private)
            for private in _PRIVATE
        ):
            raise ValueError("write a private IPv4 network, e.g. 10.213.0.0/16")
        if network.prefixlen > 24:
            raise ValueError("is too small; 10.213.0.0/16 has room for 8192 users")
        return pool


_ENVIRONMENTS = (
    Environment(
        name="stack",
        title="KM3NeT stack",
        description="Read and analyse KM3NeT events: km3io, km3pipe, astropy, pyvo.",
        image="km3net/stack",
    ),
    Environment(
        name="joint",
        title="Joint analysis",
        description="The KM3NeT stack with gammapy and naima, for neutrinos and gamma rays.",
        image="km3net/joint",
    ),
)
_SIZES = (
    Size(name="small", title="Small", memory="2G", cpu=1),
    Size(name="large", title="Large", memory="4G", cpu=2),
)


class Settings(Section):
    """The whole of `platform.yaml`."""

    site: Site = Site()
    login: Login = Login()
    environments: tuple[Environment, ...] = Field(
        default=_ENVIRONMENTS, json_schema_extra={"minItems": 1}
    )
    sizes: tuple[Size, ...] = Field(default=_SIZES, json_schema_extra={"minItems": 1})
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
