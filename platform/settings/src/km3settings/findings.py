"""Valid settings that cannot work, each as a sentence for an administrator."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator
from urllib.parse import urlsplit

from km3settings.limits import PortalLimits
from km3settings.provider import Oidc
from km3settings.settings import Settings

__all__ = ["findings", "named_groups", "unenforced", "worth_knowing"]


def worth_knowing(settings: Settings) -> list[str]:
    """Returns what works and may still not be what the administrator wants."""
    return [*_proxies(settings), *_portal_limits(settings)]


def _portal_limits(settings: Settings) -> Iterator[str]:
    opendata = settings.services.opendata
    if not opendata.enabled:
        if opendata.limits != PortalLimits():
            yield "services.opendata.limits: have no effect, because enabled is false"
        return
    for key in opendata.limits.tap.used_up_by_one():
        yield (
            f"services.opendata.limits.tap: one client can use up all of {key}; set client_{key} to"
            f" less than {key}"
        )


def _proxies(settings: Settings) -> list[str]:
    host = urlsplit(settings.site.public_url or "").hostname
    if host and not _local(host) and not settings.login.trusted_proxies:
        return [
            "login.trusted_proxies: is empty, but the platform listens on loopback only, so a web"
            f" server leads from {host} to it. Name its address as the platform sees it (often"
            " 127.0.0.1; with containers the gateway of the network, such as 172.18.0.1; the status"
            " page names it after a few logins). Until then failed logins of all users count"
            " together"
        ]
    return []


def _local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def named_groups(settings: Settings) -> dict[str, list[str]]:
    """Returns, for each group that is named, the places that name it."""
    found: dict[str, list[str]] = {}
    for section, entries in (("environments", settings.environments), ("sizes", settings.sizes)):
        for entry in entries:
            for group in entry.groups:
                found.setdefault(group, []).append(f"{section}: {entry.name}")
    for quota in settings.usage.quotas:
        for group in quota.groups:
            found.setdefault(group, []).append(f"usage.quotas: {quota.cpu_hours:g} CPU hours")
    for name, folder in settings.homes.shared.items():
        for group in folder.groups or (name,):
            found.setdefault(group, []).append(f"homes.shared: {name}")
    return found


def findings(settings: Settings, given: Collection[str] | None) -> list[str]:
    """Returns what cannot work, one sentence each.

    Parameters
    ----------
    settings
        Valid settings.
    given
        The groups that accounts have; None: unknown.
    """
    processes = settings.spawner.kind == "process"
    return [
        *_groups(settings, given),
        *(unenforced(settings) if processes else _egress(settings)),
        *_swarm(settings),
    ]


def _swarm(settings: Settings) -> Iterator[str]:
    if settings.spawner.kind == "swarm" and settings.homes.shared:
        yield (
            "homes.shared: has no effect with spawner.kind: swarm, where a volume is on one machine"
            " and servers of a group are on several"
        )


def _egress(settings: Settings) -> Iterator[str]:
    spawner = settings.spawner
    if spawner.egress == "none" and spawner.egress_allow:
        yield (
            "spawner.egress_allow: has no effect with egress: none, which closes every network;"
            " use egress: internet, or remove the entries"
        )


def _groups(settings: Settings, given: Collection[str] | None) -> Iterator[str]:
    oidc = settings.login.oidc if settings.login.method == "oidc" else None
    for group, places in named_groups(settings).items():
        where = ", ".join(places)
        if oidc:
            if why := _never_given(oidc, group):
                yield f"{where}: no user can be in the group {group}: {why}"
        elif given is not None and group not in given:
            yield (
                f"{where}: no account is in the group {group}; add it to one: km3hub accounts"
                f" set NAME --groups {group}"
            )
    if oidc:
        for key in ("allowed_groups", "admin_groups"):
            for group in getattr(oidc, key):
                if why := _never_given(oidc, group):
                    yield f"login.oidc.{key}: no user can be in the group {group}: {why}"


def _never_given(oidc: Oidc, group: str) -> str:
    """Returns why the provider can never send this group; empty if it may."""
    claim = oidc.groups.lower()
    if claim == "wlcg.groups" and not group.startswith("/"):
        return f"groups in the claim wlcg.groups start with a slash; write /{group}"
    if claim.rstrip("s").endswith("entitlement") and group.startswith("/"):
        return f"groups in entitlements do not start with a slash; write {group.lstrip('/')}"
    return ""


def unenforced(settings: Settings) -> list[str]:
    """Returns which settings have no effect on local processes (embedded mode)."""
    found = []
    if settings.spawner.egress != "internet":
        found.append(
            "spawner.egress: has no effect on local processes, which can reach the internet; only"
            " containers can be kept from it"
        )
    for key in ("egress_allow", "egress_deny"):
        if getattr(settings.spawner, key):
            found.append(
                f"spawner.{key}: has no effect on local processes, which can reach all networks"
                " that this machine reaches"
            )
    if settings.services.containers:
        found.append(
            "services.containers: has no effect on local processes, which have no networks to join"
        )
    if settings.homes.shared:
        found.append(
            "homes.shared: has no effect on local processes; only servers in containers get shared"
            " folders"
        )
    return found
