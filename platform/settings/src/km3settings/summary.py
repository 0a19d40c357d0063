"""What `km3settings check` prints: whether platform.yaml is valid, and what it means."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import click

from km3settings.findings import findings, named_groups
from km3settings.runtime import FILE_VARIABLE
from km3settings.secret import SecretError, read_secret, secret_file
from km3settings.settings import Settings, SettingsError, load

__all__ = ["report", "summary"]

#: The file in a checkout.
DEFAULT_FILE = Path("config/platform.yaml")


def report(file: Path | None, groups: Callable[[], Collection[str] | None]) -> NoReturn:
    """Check platform.yaml, print what it means, and exit.

    Exit codes: 0 everything works, 1 it is valid but something in it cannot work, 2 it is invalid.

    Parameters
    ----------
    file
        The file; None: the one that `KM3_PLATFORM_FILE` names, or else config/platform.yaml.
    groups
        Returns the groups of all accounts, or None where they are unknown. Called only where the
        settings name a group.
    """
    if file is None:
        named = os.environ.get(FILE_VARIABLE)
        file = Path(named) if named else DEFAULT_FILE
        if not named and not file.exists():
            click.echo(f"No {file} here: the defaults are in effect.")
            file = None
    try:
        settings = load(file)
        secret_of(settings, file)
    except (SettingsError, SecretError) as error:
        lines = str(error).splitlines()
        for line in lines:
            click.echo(line, err=True)
        mistakes = "1 mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
        click.echo(click.style(f"{mistakes}; nothing was changed.", fg="red"), err=True)
        sys.exit(2)
    found = findings(settings, groups() if named_groups(settings) else None)
    if file is not None:
        word = click.style("USABLE, BUT", fg="yellow") if found else click.style("OK", fg="green")
        click.echo(f"{word}  {file}")
    for key, value in summary(settings):
        click.echo(f"  {key:<13} {value}")
    for sentence in found:
        click.echo(click.style("  cannot work   ", fg="yellow") + sentence, err=True)
    sys.exit(1 if found else 0)


def secret_of(settings: Settings, file: Path | None) -> None:
    """Check that the client secret can be read, where the login needs one.

    Raises
    ------
    SecretError
        Where it cannot.
    """
    if settings.login.method == "oidc" and settings.login.oidc:
        read_secret(secret_file(settings.login.oidc, file))


def summary(settings: Settings) -> list[tuple[str, str]]:
    """Returns what the settings mean, as pairs of subject and sentence."""

    def limited(groups: tuple[str, ...]) -> str:
        return f" (only {', '.join(groups)})" if groups else ""

    culling, site = settings.culling, settings.site
    idle = f"after {culling.idle_minutes} idle minutes" if culling.idle_minutes else "never"
    if culling.max_age_hours:
        idle += f", and after {culling.max_age_hours} hours in any case"
    return [
        ("site", f"{site.name}; help: {site.contact}"),
        ("address", _address(site.public_url)),
        *_login(settings),
        (
            "environments",
            ", ".join(f"{e.name} = {e.image}{limited(e.groups)}" for e in settings.environments),
        ),
        (
            "sizes",
            ", ".join(
                f"{s.name} = {s.memory}, {s.cpu:g} cpu{limited(s.groups)}" for s in settings.sizes
            ),
        ),
        ("open data", _portal(settings)),
        ("homes", f"quota {settings.homes.quota}" if settings.homes.quota else "no quota"),
        ("servers stop", idle),
        ("started by", f"{settings.spawner.kind}; can reach {_reach(settings)}"),
    ]


def _address(public_url: str | None) -> str:
    if not public_url:
        return "the one that `make up` prints"
    path = urlsplit(public_url).path
    passed = f"; your web server must pass on {path}/ with the path unchanged" if path else ""
    return f"{public_url}{passed}"


def _login(settings: Settings) -> list[tuple[str, str]]:
    login, oidc = settings.login, settings.login.oidc
    if login.method == "accounts" or oidc is None:
        unused = "; the section oidc is ignored" if oidc else ""
        pause = f"a pause of {login.pause_seconds} s after {login.attempts} failures"
        return [("login", f"accounts; {pause}{unused}")]
    who = "all users of the provider" if oidc.allow_all else ", ".join(oidc.allowed_groups)
    admins = ", ".join(oidc.admin_groups) or "nobody"
    back = (
        f"{settings.site.public_url}/hub/oauth_callback (register exactly this address)"
        if settings.site.public_url
        else "/hub/oauth_callback at the address that `make up` prints; set site.public_url"
    )
    return [
        ("login", f"{oidc.title}, {oidc.where}, as client {oidc.client_id}"),
        ("redirect to", back),
        ("open to", f"{who or 'administrators only'}; administrators: {admins}"),
    ]


def _portal(settings: Settings) -> str:
    opendata = settings.services.opendata
    if not opendata.enabled:
        return f"the portal at {opendata.public_url}" if opendata.public_url else "none"
    if opendata.public_url:
        return opendata.public_url
    if settings.site.public_url:
        return (
            "on this machine only, not linked from the hub's pages; to publish it, set"
            " services.opendata.public_url"
        )
    return f"on this machine, port {opendata.port or 'login page + 90'}"


def _reach(settings: Settings) -> str:
    return "the internet" if settings.spawner.egress == "internet" else "only the platform"
