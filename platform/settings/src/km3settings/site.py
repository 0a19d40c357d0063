"""The site: its name, its address, its messages to users."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from km3settings.section import Section, SiteAddress

__all__ = ["Banner", "Site", "Workshop"]


class Banner(Section):
    """A message on every page of the hub and in JupyterLab; changes without a restart."""

    text: str = Field(default="", max_length=500)
    """The message, plain text. Empty: no banner."""
    level: Literal["info", "warning", "danger"] = "info"
    """Its colour."""


class Site(Section):
    """What the site is called and where it is reached."""

    name: str = Field(default="KM3NeT open science platform", min_length=1, max_length=80)
    """Shown in the header of every page."""
    public_url: SiteAddress | None = None
    """The address that users type, if it differs from the one that `make up` prints. With a path,
    such as `https://www.example.org/km3net`, the whole hub is below that path."""
    user_origins: Literal["auto", "own", "shared"] = "auto"
    """Whether browsers keep users' servers apart from the hub's pages. `own`: each server has a
    host name of its own, `USER.hub.example.org`, or `USER.localhost` on this machine. `shared`: one
    host name for everything; users' pages are then restricted, and administrators must enter their
    password more often. `auto`: `own` where a wildcard name leads to the web server."""
    contact: str = Field(default="your local administrator", min_length=1)
    """Whom users should ask for help: a name, an e-mail address or the address of a page."""
    banner: Banner = Banner()


class Workshop(Section):
    """A workshop with many participants."""

    title: str = ""
    """Shown on the login page; empty: no workshop."""
