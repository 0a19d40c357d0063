"""Valid settings that cannot work, each as a sentence for an administrator."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from km3settings.provider import Oidc
from km3settings.settings import Settings

__all__ = ["findings", "named_groups", "unenforced"]


def named_groups(settings: Settings) -> dict[str, list[str]]:
    """Returns, for each group named by an environment or size, the places that name it."""
    found: dict[str, list[str]] = {}
    for section, entries in (("environments", settings.environments), ("sizes", settings.sizes)):
        for entry in entries:
            for group in entry.groups:
                found.setdefault(group, []).append(f"{section}: {entry.name}")
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
    return [*_groups(settings, given), *(unenforced(settings) if processes else ())]


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
    """Returns why the provider can never send this group; empty where it may."""
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
    if settings.services.containers:
        found.append(
            "services.containers: has no effect on local processes, which have no networks to join"
        )
    return found
