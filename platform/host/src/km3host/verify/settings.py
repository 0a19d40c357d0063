"""What a machine is checked for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from km3host.configuration import parse

__all__ = ["CONFIGURATION", "RecordedImage", "VerifySettings"]

CONFIGURATION = Path("/etc/km3net/verify.json")


@dataclass(frozen=True)
class RecordedImage:
    """An image of the release that the machine runs."""

    tag: str
    id: str


@dataclass(frozen=True)
class _Record:
    images: dict[str, RecordedImage]


@dataclass(frozen=True, kw_only=True)
class VerifySettings:
    """The contents of `/etc/km3net/verify.json`."""

    #: The platform's folder, with settings and secrets.
    folder: str
    #: The platform's name; its containers' names start with it.
    project: str
    #: How people log in: `accounts` or `oidc`.
    login: str
    #: The folder of the hub's state volume.
    state: str
    #: The hub's host name.
    hub: str
    #: A path to ask for by host name; it must answer with 200.
    web: dict[str, str]
    #: `http` or `https`, and whether this machine has the certificates.
    scheme: str
    tls: bool
    #: Whether a proxy of the site, in front of this machine, has the certificates.
    site_proxy: bool
    #: Ports of the web server: for http, and for `scheme`.
    http: int
    port: int
    #: File with the authority of the certificates; empty: public ones.
    authority: str
    #: How long a certificate must still be valid, in days.
    certificate_days: float
    #: How much of a disk must be free.
    disk_percent: int
    backup: bool
    #: How old the last backup may be.
    backup_hours: int
    #: Services of systemd that must run.
    units: list[str]
    #: Containers that must run, without the project's name.
    services: list[str]
    #: The account that `visit` logs in with, and the environments that it starts.
    account: str
    environments: list[str]
    #: A name that stands for those of users' servers; empty: they have none of their own.
    users_name: str = ""

    @cached_property
    def images(self) -> dict[str, RecordedImage]:
        """The images of the release, by name without a tag."""
        path = Path(self.folder) / "images.json"
        record = json.loads(path.read_text(encoding="utf-8"))
        return parse(record, _Record, source=str(path)).images
