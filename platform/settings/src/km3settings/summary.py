"""What `km3settings check` prints: whether platform.yaml is valid, and what it means."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Literal, NoReturn
from urllib.parse import urlsplit

import click

from km3settings.findings import findings, named_groups, worth_knowing
from km3settings.origins import Origins, undecided
from km3settings.runtime import FILE_VARIABLE, Runtime
from km3settings.secret import SecretError, read_secret, secret_file
from km3settings.settings import Settings, SettingsError, load
from km3settings.state import State
from km3settings.usage import Quota, Usage
from km3settings.wildcard import how_to_separate, reason_against_own_names

__all__ = ["report", "summary"]

#: The file in a checkout.
DEFAULT_FILE = Path("config/platform.yaml")


def report(
    file: Path | None,
    groups: Callable[[], Collection[str] | None],
    problems: Sequence[str] = (),
    advice: Callable[[], Collection[str]] = tuple,
) -> NoReturn:
    """Check platform.yaml, print what it means, and exit.

    Exit codes: 0 everything works, 1 it is valid but something in it cannot work, 2 it is invalid.

    Parameters
    ----------
    file
        The file; None: the one that `KM3_PLATFORM_FILE` names, or else config/platform.yaml.
    groups
        Returns the groups of all accounts, or None if they are unknown. Called only where the
        settings name a group.
    problems
        What cannot work for another reason than the file, one sentence each.
    advice
        Returns further sentences for the administrator, of which none makes it unusable.
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
    found = [*findings(settings, groups() if named_groups(settings) else None), *problems]
    reason = reason_against_own_names(settings)
    if reason and settings.site.user_origins == "own":
        found.append(f"site.user_origins: {reason}; {how_to_separate(settings)}")
    if file is not None:
        word = click.style("USABLE, BUT", fg="yellow") if found else click.style("OK", fg="green")
        click.echo(f"{word}  {file}")
    for key, value in summary(settings, reason):
        click.echo(f"  {key:<13} {value}")
    for sentence in found:
        click.echo(click.style("  cannot work   ", fg="yellow") + sentence, err=True)
    for sentence in (*worth_knowing(settings), *advice()):
        click.echo(click.style("  note          ", fg="yellow") + sentence, err=True)
    sys.exit(1 if found else 0)


def secret_of(settings: Settings, file: Path | None) -> None:
    """Check that the client secret can be read, if the login needs one.

    Raises
    ------
    SecretError
        If it cannot.
    """
    if settings.login.method == "oidc" and settings.login.oidc:
        read_secret(secret_file(settings.login.oidc, file))


def summary(settings: Settings, reason: str = "") -> list[tuple[str, str]]:
    """Returns what the settings mean, as pairs of subject and sentence.

    Parameters
    ----------
    settings
        Valid settings.
    reason
        Why users' servers cannot have host names of their own; empty: they can.
    """

    def limited(groups: tuple[str, ...]) -> str:
        return f" (only {', '.join(groups)})" if groups else ""

    culling, site = settings.culling, settings.site
    idle = f"after {culling.idle_minutes} idle minutes" if culling.idle_minutes else "never"
    if culling.max_age_hours:
        idle += f", and after {culling.max_age_hours} hours in any case"
    return [
        ("site", f"{site.name}; help: {site.contact}"),
        ("address", _address(site.public_url)),
        ("users' pages", _origins(settings, reason)),
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
        ("homes", _homes(settings)),
        ("servers stop", idle),
        ("started by", f"{settings.spawner.kind}; can reach {_reach(settings)}"),
        ("CPU hours", _quotas(settings.usage)),
        ("logs", f"deleted after {settings.privacy.log_days} days"),
    ]


def _quotas(usage: Usage) -> str:
    def whose(quota: Quota) -> str:
        if not quota.groups:
            return "for each user"
        each = "together" if quota.shared else "for each member"
        return f"{each} in {', '.join(quota.groups)}"

    found = [f"{quota.cpu_hours:g} per {usage.period} {whose(quota)}" for quota in usage.quotas]
    return "; ".join(found) or "no quota"


def _homes(settings: Settings) -> str:
    homes, scratch = settings.homes, settings.homes.scratch
    words = [f"quota {homes.quota}" if homes.quota else "no quota"]
    words += [f"{amount} for the group {group}" for group, amount in homes.group_quotas.items()]
    if scratch.size:
        kept = f"deleted after {scratch.purge_days} unused days" if scratch.purge_days else "kept"
        words.append(f"scratch {scratch.size}, files {kept}")
    words += [f"shared folder {name} {folder.size}" for name, folder in homes.shared.items()]
    if homes.needs_service and settings.spawner.kind in ("process", "swarm"):
        words.append("not enforced with this kind of spawner")
    elif homes.needs_service and homes.backend == "none":
        words.append("not enforced, because homes.backend is none")
    return "; ".join(words)


def _address(public_url: str | None) -> str:
    if not public_url:
        return "the one that `make up` prints"
    path = urlsplit(public_url).path
    passed = f"; your web server must pass on {path}/ with the path unchanged" if path else ""
    return f"{public_url}{passed}"


def _origins(settings: Settings, reason: str) -> str:
    found: Literal["own", "shared"] = "shared" if reason else "own"
    origins = Origins(settings, Runtime("docker", 8000, "", State(Path()), user_origins=found))
    if origins.own:
        return f"each user's server has its own host name, {origins.wildcard.replace('*', 'USER')}"
    restricted = "share the hub's origin, with restrictions (docs/security.md)"
    if not undecided(settings):
        return restricted
    return f"{restricted}: {reason}; {how_to_separate(settings)}"


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
    spawner = settings.spawner
    if spawner.egress == "none":
        return "only the platform"
    opened = [
        opening.network + (f" (ports {', '.join(opening.ports)})" * bool(opening.ports))
        for opening in spawner.egress_allow
    ]
    also = f" and {', '.join(opened)}" if opened else ", but no private network"
    closed = f", but not {', '.join(spawner.egress_deny)}" if spawner.egress_deny else ""
    return f"the internet{also}{closed}"
